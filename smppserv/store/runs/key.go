package runs

import "github.com/cespare/xxhash/v2"

// A Key stands for what messages are found by: a hash, so that two things may have the same. 0 is no key.
type Key uint64

// newestOnly is the bit of the keys of which nobody asks for any but the newest id.
const newestOnly = 1 << 63

// NewestOnly tells whether only the newest id of k is kept: of each tail and each run, so that a search may find a few.
func (k Key) NewestOnly() bool { return k&newestOnly != 0 }

// NumberKey is that of all messages from or to a number.
func NumberKey(number string) Key { return hash('n', number, "") &^ newestOnly }

// ConversationKey is that of the last message from number to campaign.
func ConversationKey(number, campaign string) Key { return hash('c', number, campaign) | newestOnly }

// UseKey is that of the last message in which client wrote number.
func UseKey(client, number string) Key { return hash('u', client, number) | newestOnly }

func hash(tag byte, a, b string) Key {
	var room [128]byte
	text := append(room[:0], tag)
	text = append(text, a...)
	text = append(text, 0)
	text = append(text, b...)
	k := Key(xxhash.Sum64(text))
	if k&^newestOnly == 0 {
		k = 1
	}
	return k
}
