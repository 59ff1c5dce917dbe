package bootstrap

import (
	"context"
	"strings"
	"time"

	"github.com/eliza-go/eliza/plugin"
	"github.com/eliza-go/eliza/runtime/core"
)

const (
	maxImagePrompt = 4000 // characters: what well-known image models take
	maxImageTitle  = 80
	drawing        = 3 * time.Minute // how long image models may take
)

var errNoImage = &core.Error{Code: core.CodeModel, Message: "The model made no image"}

const imageGenerationText = `<task>{{agentName}} is going to draw an image. Say what it shows.</task>

{{providers}}

<rules>
- Describe the image the last message asks for: what is seen, how it is arranged, in which style and light.
- Describe it completely: who draws it sees nothing of the conversation.
</rules>

<output>
Write exactly this and nothing around it:
<response>
  <prompt>the description of the image</prompt>
  <text>a few words of {{agentName}} to go with the image</text>
</response>
</output>`

// generateImage makes an image. It may cost money, so a turn that began it is not run again.
func generateImage() plugin.Action {
	return plugin.Action{
		Name: "GENERATE_IMAGE", Description: "Makes an image of what is described and sends it.",
		Similes: []string{"DRAW", "CREATE_IMAGE", "RENDER_IMAGE", "VISUALIZE", "MAKE_PICTURE", "DRAW_PICTURE"},
		Timeout: drawing,
		Validate: func(_ context.Context, c *plugin.Call) (bool, error) {
			return c.Runtime.Models().Imager != nil, nil
		},
		Run: drawn,
	}
}

func drawn(ctx context.Context, c *plugin.Call) (plugin.Result, error) {
	imager := c.Runtime.Models().Imager
	if imager == nil {
		return plugin.Result{}, &core.Error{Code: core.CodeModel, Message: "The agent has no image model"}
	}
	a, err := c.Generate(ctx, plugin.Prompt{Purpose: core.PurposeImage, Name: "imageGenerationTemplate", Template: imageGenerationText})
	if err != nil {
		return plugin.Result{}, err
	}
	prompt, words := strings.TrimSpace(a.Fields["prompt"]), a.Text
	if prompt == "" {
		prompt, words = strings.TrimSpace(a.Text), ""
	}
	if prompt == "" {
		return plugin.Result{}, errNoImage.With("The model did not say what the image shows")
	}
	prompt = short(prompt, maxImagePrompt)
	addresses, err := imager.Image(ctx, prompt, "", 1)
	if err != nil {
		return plugin.Result{}, err
	}
	files := pictures(addresses, prompt)
	if len(files) == 0 {
		return plugin.Result{}, errNoImage
	}
	if words == "" {
		words = "Here is the image."
	}
	return plugin.Result{Text: "Made an image: " + prompt, Values: map[string]any{"imageUrl": files[0].URL}, Data: map[string]any{"imageUrl": files[0].URL, "prompt": prompt}},
		c.Reply(ctx, core.Content{Text: words, Attachments: files})
}

// pictures are images as attachments. What is no address is left out.
func pictures(addresses []string, prompt string) []core.Media {
	var out []core.Media
	for _, url := range addresses {
		if url = strings.TrimSpace(url); url != "" {
			out = append(out, core.Media{
				ID: string(core.NewUUID()), URL: url, Title: short(prompt, maxImageTitle), ContentType: "image",
				Description: prompt, Source: "GENERATE_IMAGE",
			})
		}
	}
	return out
}

// short is at most the first n characters of a text.
func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}
