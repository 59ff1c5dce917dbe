// picture is a PNG, a blue square, as a file to choose.
export const picture = {
	name: 'square.png',
	mimeType: 'image/png',
	buffer: Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAeklEQVR4nO3PUQkAIBTAwBfHTCY2liH8OITBAtxm7fN1wwUNaEEDWtCAFjSgBQ1oQQNa0IAWNKAFDWhBA1rQgBY0oAUNaEEDWtCAFjSgBQ1oQQNa0IAWNKAFDWhBA1rQgBY0oAUNaEEDWtCAFjSgBQ1oQQNa0IAWPHYBWQmhLScUAZAAAAAASUVORK5CYII=', 'base64'),
};

// drawn is the path of the picture in a chat, once the browser has drawn what the server gave.
export const drawn = (page) =>
	page.locator(`[data-testid="chat-messages"] img[alt="${picture.name}"]`).evaluate((img) => {
		const { origin, pathname } = new URL(img.src);
		return origin === location.origin && img.complete && img.naturalWidth === 64 && pathname;
	});
