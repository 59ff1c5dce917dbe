package loop

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestItems(t *testing.T) {
	t.Parallel()
	type list = []map[string]string
	for name, tt := range map[string]struct {
		answer string
		want   map[string][]map[string]string
	}{
		"nested": {
			"<think><facts><fact>no</fact></facts></think><response><thought><b>x</b></thought><facts>\n<fact><claim>a &lt;b&gt; &amp; c</claim><type>fact</type></fact>" +
				"<fact>plain &amp; simple</fact><fact/><fact> </fact></facts><relationships></relationships><text><i>t</i></text></response>",
			map[string][]map[string]string{"facts": list{{"claim": "a <b> & c", "type": "fact"}, {"": "plain & simple"}}},
		},
		"without response": {"<facts><fact><claim>a</claim></fact></facts>", map[string][]map[string]string{"facts": list{{"claim": "a"}}}},
		"of two lists the first": {
			"<response><facts><a>1</a></facts><facts><a>2</a></facts></response>", map[string][]map[string]string{"facts": list{{"": "1"}}},
		},
		"text that only looks like it": {"<response><facts>1 &lt;a&gt;b&lt;/a&gt; < 2</facts></response>", nil},
		"cut":                          {"<response><facts><fact><claim>a</claim></fact><fact><claim>b", nil},
		"cut inside an item":           {"<response><facts><fact><claim>a</claim></fact><fact><claim>b</facts></response>", map[string][]map[string]string{"facts": list{{"claim": "a"}}}},
		"nothing":                      {"no tags at all", nil},
	} {
		if diff := cmp.Diff(tt.want, itemsOf(tt.answer)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := itemsOf("<response><l>" + strings.Repeat("<a>1</a>", 2*maxItems) + "</l></response>"); len(got["l"]) != maxItems {
		t.Errorf("%d items", len(got["l"]))
	}
}

func FuzzItems(f *testing.F) {
	for _, s := range []string{
		"<response><facts><fact><claim>a &lt;b</claim></fact></facts></response>", "<facts><fact>x", "<a><a></a>", "<response><l><a/><b>1</b></l></response>",
		strings.Repeat("<a>", 100), "<l><![CDATA[<x>]]></l>", "<l><!-- <x>1</x> --><y>2</y></l>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for name, list := range itemsOf(s) {
			if len(list) == 0 || len(list) > maxItems || name == "text" || name == "thought" {
				t.Errorf("%q has %d items", name, len(list))
			}
			for _, item := range list {
				if len(item) == 0 {
					t.Errorf("an empty item in %q", name)
				}
				for _, v := range item {
					if v != strings.TrimSpace(v) || len(v) > len(s) {
						t.Errorf("item %q", v)
					}
				}
			}
		}
	})
}
