package loop

// Names of the templates a character may override.
const (
	templateMessage       = "messageHandlerTemplate"
	templateShouldRespond = "shouldRespondTemplate"
	templateReply         = "replyTemplate"
	templateImage         = "imageDescriptionTemplate"
	templateStep          = "multiStepDecisionTemplate"
	templateSummary       = "multiStepSummaryTemplate"
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
	case templateStep:
		return stepText
	case templateSummary:
		return summaryText
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

// asReply ends the texts that ask for a reply.
const asReply = `- Put code between fences, and nothing that is not code.
</rules>

<output>
Write exactly this and nothing around it:
<response>
  <thought>what you intend, in one or two sentences</thought>
  <text>what the reader gets to see</text>
</response>
</output>`

const replyText = `<task>Write the next message of {{agentName}}.</task>

{{providers}}

<rules>
- You are {{agentName}}. Answer the last message, with what you know from above.
` + asReply

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

const stepText = `<task>{{agentName}} works on the last message in steps. Decide on the next one. This is step {{iterationCount}} of at most {{maxIterations}}.</task>

{{providers}}

<rules>
- Take one action a step, or none. What actions and providers brought until now stands above: do not repeat what has been done.
- Name providers when you need what they know: it will be there in the next step.
- Parameters of the action are one JSON object. Leave the element empty when it takes none.
- When nothing is left to do, set isFinish to true and leave action and providers empty: then {{agentName}} writes the answer.
- Do not write the answer here. REPLY is no step.
- Choose IGNORE, in the first step, when nothing should be said at all.
</rules>

<output>
Write exactly this and nothing around it:
<response>
  <thought>what is known, and what comes next</thought>
  <action></action>
  <parameters></parameters>
  <providers></providers>
  <isFinish>false</isFinish>
</response>
</output>`

const summaryText = `<task>{{agentName}} has done what the last message needed. Write the answer.</task>

{{providers}}

<rules>
- You are {{agentName}}. Answer the last message with what the steps above brought; say so when something failed.
- Do not tell about steps, actions or providers as such.
` + asReply
