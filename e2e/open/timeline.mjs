import { newAgent } from '../lib/api.mjs';
import { answered, openChat, say } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { openTab } from '../lib/side.mjs';
import { until } from '../lib/until.mjs';

script('timeline', async ({ page, shot }) => {
	const agent = await newAgent('Traced');
	await openChat(page, agent);
	await say(page, 'What did you just do?');
	await answered(page, 2);
	await openTab(page, 'Timeline');
	const panel = page.getByRole('tabpanel');
	await panel.getByText(/^Run [0-9a-f]{8}$/).first().waitFor();
	await panel.getByText('1 span').waitFor();
	await panel.getByText('TEXT_LARGE').first().waitFor();
	await shot('runs');

	await openTab(page, 'Model Calls');
	const call = panel.locator('.group').filter({ hasText: 'TEXT_LARGE' });
	await call.getByText('Tokens:').waitFor();
	await call.getByText('View details').click();
	await call.getByText('What did you just do?').first().waitFor();
	await shot('call');
	await call.hover();
	await call.getByTitle('Delete log entry').click();
	await page.getByRole('button', { name: 'Delete', exact: true }).click();
	await until('the call is gone', async () => (await call.count()) === 0);
});
