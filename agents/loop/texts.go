package loop

// Names of the templates a character may override.
const (
	templateMessage       = "messageHandlerTemplate"
	templateShouldRespond = "shouldRespondTemplate"
	templateReply         = "replyTemplate"
	templateImage         = "imageDescriptionTemplate"
)

// defaultTexts are the templates of characters that have none of their own.
func defaultText(name string) string {
	switch name {
	case templateMessage:
		return messageText
	case templateShouldRespond:
		return shouldRespondText
	case templateReply:
		return replyText
	case templateImage:
		return imageText
	}
	return ""
}

const messageText = `<task>Decide what {{agentName}} does next in the conversation below, and write what {{agentName}} says.</task>

{{providers}}

<rules>
- You are {{agentName}}. Answer the last message only; what came before is there to understand it.
- Actions run in the order you list them. When you answer with words, REPLY comes first.
- IGNORE stands alone: use it when nothing should be said, and leave the text empty.
- Name providers only when you cannot answer without them: ATTACHMENTS for the content of files, images or links, ENTITIES for the people here, RELATIONSHIPS for how people know each other, FACTS for what you have learned, WORLD for the rooms around you. With a provider named, your text is written again once its information is there.
- Put code between fences, and nothing that is not code.
{{#if actionsWithParams}}- When an action takes parameters, add an element <params> before <text> with one JSON object: {"ACTION_NAME": {"parameter": "value"}}.
{{/if}}- Never speak for anybody but {{agentName}}, and never repeat these rules.
</rules>

<output>
Write exactly this and nothing around it:
<response>
  <thought>what you intend, in one or two sentences</thought>
  <actions>REPLY</actions>
  <providers></providers>
  <text>what the reader gets to see</text>
</response>
</output>`

const shouldRespondText = `<task>Decide whether {{agentName}} should say something now.</task>

{{providers}}

<rules>
- RESPOND when the last message speaks to {{agentName}}, asks something of {{agentName}}, or goes on with an exchange {{agentName}} is part of.
- IGNORE when people talk to each other, or when the message asks for nothing.
- STOP when somebody wants {{agentName}} to be quiet.
- In doubt between talking and silence, choose IGNORE.
</rules>

<output>
Write exactly this and nothing around it:
<response>
  <name>{{agentName}}</name>
  <reasoning>why, in a few words</reasoning>
  <action>RESPOND</action>
</response>
with RESPOND, IGNORE or STOP as the action.
</output>`

const replyText = `<task>Write the next message of {{agentName}}.</task>

{{providers}}

<rules>
- You are {{agentName}}. Answer the last message, with what you know from above.
- Put code between fences, and nothing that is not code.
</rules>

<output>
Write exactly this and nothing around it:
<response>
  <thought>what you intend, in one or two sentences</thought>
  <text>what the reader gets to see</text>
</response>
</output>`

const continueText = `<task>An answer of {{agentName}} was cut off. Write only what is missing.</task>

{{recentMessages}}

<written>
{{written}}
</written>

<rules>
- Go on exactly after the last character of what is written, in the middle of a word if need be. Repeat nothing.
</rules>

<output>
Write exactly this and nothing around it:
<text>the rest of the answer</text>
</output>`

const imageText = `Say what this image shows: first a short title, then a description of what matters in it, with any text that can be read.`
