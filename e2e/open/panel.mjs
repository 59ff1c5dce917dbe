import { newAgent } from '../lib/api.mjs';
import { answered, openChat, say } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { openTab } from '../lib/side.mjs';

script('panel', async ({ page, shot }) => {
	const agent = await newAgent('Paneled');
	await openChat(page, agent);
	await say(page, 'Count this');
	await answered(page, 2);
	await openTab(page, 'Status');
	const panel = page.frameLocator('iframe[title="Status"]');
	await panel.getByRole('heading', { name: agent.name }).waitFor();
	await panel.getByText('text, embeddings').waitFor();
	const shown = (term, text) => panel.locator('dt', { hasText: term }).locator('xpath=following-sibling::dd[1]').filter({ hasText: text }).waitFor();
	await shown('Channels', '1 dm');
	await shown('Memories', '2 messages, 0 facts');
	await shown('Last turns', 'dm, REPLY');
	await shot('status');
});
