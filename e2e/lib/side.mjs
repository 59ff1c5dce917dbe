// The panel beside a chat.

// openTab opens the panel, when it is not, and one of its tabs.
export async function openTab(page, name) {
	const tab = page.getByRole('tab', { name, exact: true });
	const details = page.getByRole('tab', { name: 'Details', exact: true });
	if (!(await details.isVisible())) await page.locator('button:has(svg.lucide-panel-right)').first().click();
	await tab.click();
}
