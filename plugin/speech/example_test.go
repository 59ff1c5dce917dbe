package speech_test

import (
	"fmt"

	"github.com/eliza-go/eliza/plugin/speech"
)

func ExampleSplit() {
	words, err := speech.Split(`whisper-cli -m "/my models/base.bin" --no-timestamps -f`)
	fmt.Printf("%q %v\n", words, err)
	// Output: ["whisper-cli" "-m" "/my models/base.bin" "--no-timestamps" "-f"] <nil>
}
