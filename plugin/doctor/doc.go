// Package doctor is the model an agent has when no provider is configured: it needs no key, no network and
// no files, and answers within microseconds. It offers a text model, which is the complete ELIZA program,
// and an embedder, which hashes words and n-grams. Both are the same on every machine.
//
// # The program
//
// The algorithm is the one Joseph Weizenbaum published as "ELIZA — A Computer Program For the Study of
// Natural Language Communication Between Man And Machine", Communications of the ACM 9 (1), January 1966.
// The script, a listener in the manner of a psychotherapist, is our own; [Parse] describes its format, so a
// host can write another and pass it in [Options].
//
//   - A message is read from left to right. Each word is replaced as the script says ("my" becomes "your")
//     and, if it is a keyword, put on the keystack: on top when its rank is higher than the top's, else at
//     the bottom.
//   - A mark that ends a clause ends the reading when a keyword was found, and drops what was read when not.
//   - The keyword on top takes the clause apart with the first of its decomposition rules that matches, and
//     puts it together again with the rule's next reassembly rule, in rotation.
//   - A reassembly rule may instead lead to another keyword's rules, rewrite the clause and go on there
//     (PRE), or give way to the next keyword on the stack (NEWKEY).
//   - Messages whose highest keyword is the one of the MEMORY rule are also transformed for later. When a
//     message has no keyword and a counter allows it, the oldest of these is the answer; else one of the
//     NONE replies.
//
// We depart from the paper in five points. A keyword of negative rank, such as a greeting, does not hold its
// clause when a later one has another keyword. A reassembly rule that would repeat an empty component is
// passed over. A keyword none of whose rules match gives way to the next. After the swapping of pronouns
// the script mends the grammar ("you are" was read as "i are", and becomes "i am"). Matching goes back only
// to the last wildcard, which finds the same decompositions in bounded time.
//
// [Conversation] is that program alone:
//
//	c := doctor.NewConversation(doctor.DefaultScript(), 0, "Eliza")
//	fmt.Println(c.Respond("I am afraid of my boss"))
//
// # The model
//
// [Model] is a [core.TextModel] like any other. It goes by a request's purpose, messages and agent name, and
// does not look at prompts made for other models. It keeps nothing between requests: the conversation is
// held again from the messages of the request, with the answers that were really given, so the same request
// has the same answer, also in another process, and a request that holds only the end of a long conversation
// goes on in rotation where that one stands. What one person said is never brought up to another.
//
// A word counts as a token, in usage and limits. Temperature and the type of model change nothing.
package doctor
