package doctor

import "slices"

// isStopWord reports whether a word says little about what a text is about.
func isStopWord(low string) bool {
	_, found := slices.BinarySearch(stopWords[:], low)
	return found
}

// stopWords is sorted.
var stopWords = [...]string{
	"a", "about", "actually", "after", "again", "ago", "all", "almost", "alone", "along", "already", "also",
	"although", "always", "am", "an", "and", "another", "any", "anybody", "anyone", "anything", "are", "aren't",
	"around", "as", "ask", "asked", "at", "away", "back", "bad", "be", "became", "because", "become", "been",
	"before", "began", "being", "believe", "best", "better", "between", "both", "but", "by", "bye", "call", "came",
	"can", "can't", "cannot", "come", "could", "couldn't", "did", "didn't", "do", "does", "doesn't", "doing", "don't",
	"done", "down", "each", "either", "else", "enough", "even", "ever", "every", "everybody", "everyone",
	"everything", "far", "feel", "feeling", "feels", "felt", "few", "find", "fine", "first", "for", "found", "from",
	"gave", "get", "gets", "getting", "give", "go", "goes", "going", "gone", "good", "goodbye", "got", "great", "had",
	"hadn't", "happen", "happened", "happens", "has", "hasn't", "have", "haven't", "having", "he", "hello", "help",
	"her", "here", "hers", "herself", "hey", "hi", "him", "himself", "his", "how", "however", "i", "if", "in",
	"indeed", "instead", "into", "is", "isn't", "it", "its", "itself", "just", "keep", "kept", "kind", "knew", "know",
	"known", "last", "later", "least", "less", "let", "like", "little", "long", "look", "lot", "made", "make",
	"makes", "making", "many", "may", "maybe", "me", "mean", "means", "might", "mine", "more", "most", "much", "must",
	"my", "myself", "need", "never", "new", "next", "no", "nobody", "none", "nor", "not", "nothing", "now", "of",
	"off", "often", "oh", "ok", "okay", "old", "on", "once", "one", "only", "or", "other", "others", "our", "ours",
	"out", "over", "own", "people", "perhaps", "please", "put", "quite", "rather", "really", "remember", "right",
	"said", "same", "saw", "say", "saying", "says", "see", "seem", "seems", "seen", "several", "she", "should",
	"shouldn't", "since", "so", "some", "somebody", "someone", "something", "sometimes", "somewhat", "soon", "sorry",
	"still", "such", "sure", "take", "taken", "talk", "talking", "tell", "than", "thank", "thanks", "that", "the",
	"their", "theirs", "them", "themselves", "then", "there", "these", "they", "thing", "things", "think", "thinking",
	"this", "those", "though", "thought", "through", "thus", "till", "time", "to", "today", "together", "told", "too",
	"took", "toward", "tried", "true", "try", "trying", "two", "under", "until", "up", "upon", "us", "use", "used",
	"using", "usually", "very", "want", "wanted", "wants", "was", "wasn't", "way", "we", "well", "went", "were",
	"weren't", "what", "when", "where", "whether", "which", "while", "who", "whom", "whose", "why", "will", "with",
	"within", "without", "won't", "would", "wouldn't", "wow", "yeah", "yes", "yet", "you", "your", "yours",
	"yourself",
}
