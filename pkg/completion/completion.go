// Package completion has a shell complete the command line of a program that is made with kong.
//
// The script of a shell asks the program for the words that may come next: WORDS are those that are typed before, each as it stands.
package completion

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Word is one that may come next.
type Word struct{ Text, Help string }

// Next are the words that may come after those that are typed: commands, flags, values that a flag or an argument names. None
// where anything may come, such as a file.
func Next(app *kong.Application, typed []string) []Word {
	node := app.Node
	var flag *kong.Flag // that waits for its value
	arguments := 0      // of the node, that were typed
	for _, word := range typed {
		switch {
		case flag != nil:
			flag = nil
		case strings.HasPrefix(word, "-") && word != "-":
			name, _, valued := strings.Cut(word, "=")
			if f := flagOf(node, name); f != nil && !f.IsBool() && !valued {
				flag = f
			}
		default:
			if child := childOf(node, word); child != nil {
				node, arguments = child, 0
			} else {
				arguments++
			}
		}
	}
	if flag != nil {
		return values(flag.Value)
	}
	var words []Word
	for _, child := range node.Children {
		if !child.Hidden && arguments == 0 {
			words = append(words, Word{child.Name, child.Help})
		}
	}
	if arguments < len(node.Positional) {
		words = append(words, values(node.Positional[arguments])...)
	}
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			words = append(words, Word{"--" + f.Name, f.Help})
		}
	}
	return words
}

func flagOf(node *kong.Node, name string) *kong.Flag {
	for _, group := range node.AllFlags(false) {
		for _, f := range group {
			if name == "--"+f.Name || f.Short != 0 && name == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

func childOf(node *kong.Node, name string) *kong.Node {
	for _, child := range node.Children {
		if child.Name == name || slices.Contains(child.Aliases, name) {
			return child
		}
	}
	return nil
}

// values are those that a flag or an argument is limited to.
func values(v *kong.Value) (words []Word) {
	if v.Enum == "" {
		return nil
	}
	for value := range strings.SplitSeq(v.Enum, ",") {
		if value != "" {
			words = append(words, Word{Text: value})
		}
	}
	return words
}

// bash cuts a word at = and at colons; what stands before the cursor is what is completed.
const bash = `_PROGRAM_complete() {
    local words=() word
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [ "$word" = "=" ] || words+=("$word")
    done
    local current="${COMP_WORDS[COMP_CWORD]}"
    [ "$current" = "=" ] && current=""
    local IFS=$'\n'
    COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" completion words -- "${words[@]}" 2>/dev/null | cut -f1)" -- "$current"))
}
complete -o default -F _PROGRAM_complete PROGRAM
`

const powershell = `Register-ArgumentCompleter -Native -CommandName PROGRAM, PROGRAM.exe -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $elements = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text.Trim('"', "'") })
    $words = @($elements | Select-Object -Skip 1)
    & $elements[0] completion words '--' $words 2>$null | ForEach-Object {
        $text, $help = $_ -split [char]9, 2
        if ($text -like "$wordToComplete*") {
            if (-not $help) { $help = $text }
            [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $help)
        }
    }
}
`

// Shells are those that there is a script for.
var Shells = []string{"powershell", "bash"}

// Script is what a shell is to run. The program answers "completion words -- WORD…" with lines of a word, a tab and its help.
func Script(shell, program string) (string, error) {
	switch shell {
	case "bash":
		return strings.ReplaceAll(bash, "PROGRAM", program), nil
	case "powershell":
		return strings.ReplaceAll(powershell, "PROGRAM", program), nil
	}
	return "", fmt.Errorf("%s is not one of %s", shell, strings.Join(Shells, ", "))
}
