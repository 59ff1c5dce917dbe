// What a user does in a chat.
import { until } from './until.mjs';

export const box = (page) => page.getByTestId('chat-input');
export const connected = (page) => page.getByTestId('connection-status').getByText('Connected', { exact: true }).waitFor();

// openChat goes to an agent's chat and waits until one can write; it returns the channel's id.
export async function openChat(page, agent) {
	await page.goto(`/chat/${agent.id}`);
	await ready(page);
	return until('the address names the channel', () => page.url().split(`/chat/${agent.id}/`)[1]);
}

// ready waits until the chat of this page takes a message.
export async function ready(page) {
	await connected(page);
	await until('the input is usable', () => box(page).isEnabled());
}

// say sends a message and waits until it stands in the chat.
export async function say(page, text) {
	await box(page).fill(text);
	await box(page).press('Enter');
	await bubbles(page).filter({ hasText: text }).first().waitFor();
}

// attach chooses a picture for the next message.
export async function attach(page, picture) {
	await page.getByTestId('chat-container').locator('input[type=file]').setInputFiles(picture);
	await page.getByAltText('Selected file').waitFor();
}

// bubbles are the messages a chat shows, oldest first.
export const bubbles = (page) => page.locator('[data-testid="chat-messages"] .group.relative');

// texts are what the bubbles say, without times and buttons.
export const texts = async (page) => (await bubbles(page).allInnerTexts()).map((t) => t.replace(/\d{1,2}:\d\d [AP]M[^]*$/, '').trim());

// answered waits until a chat shows so many messages and takes the next one.
export async function answered(page, count) {
	await until(`${count} messages in the chat`, async () => (await bubbles(page).count()) === count);
	await ready(page);
}
