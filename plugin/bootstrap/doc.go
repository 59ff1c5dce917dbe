// Package bootstrap is the plugin every agent has unless told otherwise: what an agent can do, what a model is
// told about who it is, where it is and what was said, and what an agent learns from that.
//
//	Actions     REPLY, IGNORE, NONE
//	            MUTE_ROOM, UNMUTE_ROOM, FOLLOW_ROOM, UNFOLLOW_ROOM: a small model must agree that this was asked for
//	            GENERATE_IMAGE, for agents with an image model
//	Providers   ACTIONS, CHARACTER, PROVIDERS, TIME, ANXIETY, EVALUATORS, RECENT_MESSAGES, ACTION_STATE
//	on demand   ENTITIES, ATTACHMENTS, FACTS, RELATIONSHIPS, WORLD, ROLES, SETTINGS
//	Evaluator   REFLECTION: facts and relationships, once more than a quarter of the messages in a prompt are new
//
// Providers that read the database are on demand: a model, a template or an action asks for them by name. A
// character may have its own prompts under replyTemplate, imageGenerationTemplate, reflectionTemplate,
// shouldMuteTemplate, shouldUnmuteTemplate, shouldFollowTemplate and shouldUnfollowTemplate.
//
// A fact somebody told the agent alone is used in that room and in other direct ones, never in a group.
//
// A muted room gets no answer until a message has the agent's name in it, and is muted still after that one. What
// is said there is remembered all the same.
package bootstrap
