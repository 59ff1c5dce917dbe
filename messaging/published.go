package messaging

import "maps"

// published returns a document with public addresses for its attachments; doc itself stays as it is. That is
// done where messages are stored, so that every answer and event has them.
func (m *Manager) published(doc map[string]any) map[string]any {
	list, _ := doc["attachments"].([]any)
	if m.opts.PublicURL == nil || len(list) == 0 {
		return doc
	}
	public := make([]any, len(list))
	for i, a := range list {
		public[i] = a
		fields, _ := a.(map[string]any)
		if url, _ := fields["url"].(string); url != "" {
			fields = maps.Clone(fields)
			fields["url"] = m.opts.PublicURL(url)
			public[i] = fields
		}
	}
	doc = maps.Clone(doc)
	doc["attachments"] = public
	return doc
}
