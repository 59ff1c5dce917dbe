// Fetches the published web client into ./client: the pinned version, checked against the pinned digest. Its files
// are static; what it was built from is not installed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const { package: spec, integrity } = JSON.parse(readFileSync(`${here}/package.json`)).client;
const target = `${here}/client`;
const mark = `${target}/integrity`;

if (present()) process.exit();
const work = mkdtempSync(`${here}/.client-`);
try {
	const name = execFileSync('npm', ['pack', spec, '--silent', '--pack-destination', work], { encoding: 'utf8' }).trim().split('\n').pop();
	const tarball = `${work}/${name}`;
	const got = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
	if (got !== integrity) throw new Error(`${spec} is ${got}, want ${integrity}`);
	execFileSync('tar', ['-xzf', tarball, '-C', work, 'package/dist', 'package/package.json']);
	writeFileSync(`${work}/package/integrity`, integrity);
	rmSync(target, { recursive: true, force: true });
	renameSync(`${work}/package`, target);
} finally {
	rmSync(work, { recursive: true, force: true });
}

function present() {
	try {
		return readFileSync(mark, 'utf8') === integrity;
	} catch {
		return false;
	}
}
