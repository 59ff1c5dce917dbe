import { newAgent } from '../lib/api.mjs';
import { answered, box, bubbles, openChat, say } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('voice', async ({ page, shot }) => {
	await openChat(page, await newAgent('Voiced'));
	await say(page, 'Say something');
	await answered(page, 2);

	const answer = bubbles(page).last();
	await answer.hover();
	await answer.locator('button:has(svg.lucide-volume-2)').click();
	await until('the answer is heard', () => answer.locator('audio').evaluate((a) => a.duration > 0.5 && a.played.length > 0, undefined, { timeout: 1000 }));
	await shot('heard');

	// The browser's own microphone hums, and what the server hears in it was set when it was started.
	await page.locator('form button:has(svg.lucide-mic)').click();
	await page.locator('form button:has(svg.lucide-trash)').waitFor();
	await page.locator('form').getByText('00:01').waitFor();
	await shot('recording');
	await page.locator('form button:has(svg.lucide-send)').first().click();
	await until('the text of the recording', async () => (await box(page).inputValue()) === 'a constant text');
	await shot('understood');
});
