// The server asked directly: to set a scene, and to see what the client really did.
import { base, key } from './settings.mjs';

const headers = key ? { 'X-API-KEY': key } : {};

export async function api(method, path, body) {
	const res = await fetch(base + path, {
		method,
		headers: body === undefined ? headers : { ...headers, 'Content-Type': 'application/json' },
		body: body === undefined ? undefined : JSON.stringify(body),
	});
	const text = await res.text();
	if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text.slice(0, 300)}`);
	const answer = text ? JSON.parse(text) : undefined;
	return answer?.data ?? answer;
}

export const get = (path) => api('GET', path);

// unique is a name that nobody else has.
export const unique = (name) => `${name} ${Math.random().toString(36).slice(2, 6)}`;

// newAgent makes an agent that nobody else uses, and starts it.
export async function newAgent(kind, more = {}) {
	const name = unique(kind);
	const { character } = await api('POST', '/api/agents', { characterJson: { name, bio: [`${name} was made for a test.`], ...more } });
	await api('POST', `/api/agents/${character.id}/start`);
	return { id: character.id, name };
}

export const agents = async () => (await get('/api/agents')).agents;
export const agentNamed = async (name) => (await agents()).find((a) => a.name === name);

export const channels = async () => (await get('/api/messaging/message-servers/00000000-0000-0000-0000-000000000000/channels')).channels;

// messages of a channel, oldest first.
export const messages = async (channel) => (await get(`/api/messaging/channels/${channel}/messages?limit=100`)).messages.reverse();
