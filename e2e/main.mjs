// Runs the scripts of a folder one after the other: node main.mjs FOLDER [NAME ...]
import { readdirSync } from 'node:fs';

const [folder, ...names] = process.argv.slice(2);
const here = new URL(`./${folder}/`, import.meta.url);
const files = readdirSync(here).filter((f) => f.endsWith('.mjs') && (!names.length || names.includes(f.slice(0, -4))));
if (!files.length) throw new Error(`no scripts of that name in ${folder}`);
for (const file of files.sort()) await import(new URL(file, here));
