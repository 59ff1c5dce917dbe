// Package openai gives agents the models of any endpoint that speaks the OpenAI chat protocol: OpenAI itself,
// Ollama, vLLM, LM Studio, llama.cpp, and the compatible addresses of other vendors.
//
//	eliza.WithPlugins(openai.Plugin(openai.Options{}))                                       // keys come from the agents' settings
//	eliza.WithPlugins(openai.Plugin(openai.Options{BaseURL: "http://127.0.0.1:11434/v1",     // a local Ollama, no key
//		SmallModel: "qwen3:4b", LargeModel: "qwen3:14b"}))
//
// # Settings
//
// Settings of an agent win over [Options], which are the host's defaults. They are read anew for every call,
// so a changed character counts at once.
//
//	OPENAI_API_KEY, OPENAI_BASE_URL            where and as whom; an agent with neither has no text model
//	OPENAI_SMALL_MODEL or SMALL_MODEL          for TEXT_SMALL, gpt-4o-mini
//	OPENAI_LARGE_MODEL or LARGE_MODEL          for TEXT_LARGE, gpt-4o
//	OPENAI_EMBEDDING_MODEL                     embeddings are offered only when it is set
//	OPENAI_EMBEDDING_DIMENSIONS                numbers in a vector; needed for models this package does not know;
//	                                           EMBEDDING_DIMENSION is read too
//	OPENAI_TRANSCRIPTION_MODEL                 transcription is offered only when it is set; at OpenAI's own address,
//	                                           with a key, it is gpt-4o-mini-transcribe by itself
//	OPENAI_TTS_MODEL, OPENAI_TTS_VOICE         likewise for speech: gpt-4o-mini-tts, alloy
//	OPENAI_IMAGE_MODEL, OPENAI_IMAGE_SIZE      likewise for images: gpt-image-1, in a size of its own
//	OPENAI_IMAGE_DESCRIPTION_MODEL             likewise for looking at images: gpt-4o-mini
//
// The parameters of a call come from the call, then from <TYPE>_<PARAM> (TEXT_SMALL_TEMPERATURE), then from
// DEFAULT_<PARAM>, then from MODEL_MAX_TOKEN, MODEL_TEMPERATURE, MODEL_FREQ_PENALTY and MODEL_PRESENCE_PENALTY.
// PARAM is MAX_TOKENS, TEMPERATURE, TOP_P, TOP_K, MIN_P, SEED, REPETITION_PENALTY, FREQUENCY_PENALTY or
// PRESENCE_PENALTY. What nobody sets is not sent: then the endpoint's own default counts.
//
// The key of [Options] is sent only to the address of [Options]: an agent that names another address must
// bring its own key. Without a key no Authorization header is sent.
//
// # Failures
//
// A request is repeated, with growing random pauses, on a lost connection and on the statuses 429, 500, 502,
// 503 and 504, but never after a piece of the answer was handed on. An endpoint that refuses a parameter by
// name is asked again without it; when it does not know the parameter at all, the next calls of that model
// leave it out at once. Errors are [core.Error] of code [core.CodeModel] with a text for people; the cause is
// wrapped and never holds the key.
package openai
