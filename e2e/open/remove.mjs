import { agentNamed, newAgent } from '../lib/api.mjs';
import { answered, openChat, say } from '../lib/chat.mjs';
import { script } from '../lib/script.mjs';
import { until } from '../lib/until.mjs';

script('remove', async ({ page, watch, shot }) => {
	const agent = await newAgent('Leaving');
	await openChat(page, agent);
	await say(page, 'Goodbye');
	await answered(page, 2);
	watch.expect(new RegExp(`^404 GET /api/agents/${agent.id}`)); // the page still asks about whom it shows
	await page.getByRole('button', { name: agent.name }).last().click();
	await page.getByRole('menuitem', { name: 'Delete Agent' }).click();
	await page.getByRole('button', { name: 'Delete', exact: true }).click();
	await page.getByText('Agent deleted successfully', { exact: true }).waitFor();
	await until('the agent is gone', async () => !(await agentNamed(agent.name)));
	await page.waitForURL((url) => url.pathname === '/');
	await until('and its card', async () => (await page.getByText(agent.name).count()) === 0);
	await shot('gone');
});
