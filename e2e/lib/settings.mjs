// What the scripts are told from outside.
export const base = (process.env.E2E_BASE ?? 'http://127.0.0.1:3000').replace(/\/$/, '');
export const key = process.env.E2E_KEY ?? ''; // the server's key, when it has one
export const shots = process.env.E2E_SHOTS ?? ''; // folder for screenshots, none when empty
export const chromium = process.env.E2E_CHROMIUM ?? '/usr/bin/chromium';
export const patience = Number(process.env.E2E_PATIENCE ?? 45_000); // milliseconds a condition may take
export const limit = 4 * patience; // milliseconds a whole script may take
