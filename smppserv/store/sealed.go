package store

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"

	"hnetsmpp/smppserv/sms"
)

// What somebody wrote may be sealed in the rows of messages: their content, and their TLVs within the attributes. Numbers, states
// and reasons are not, so that searches go on as ever. A sealed value is
//
//	length of the key's id, the id, nonce (12 octets), AES-256-GCM of the value with its tag (16 octets)
//
// authenticated together with the message_id and the column that it is in: none can be put into another's place.

// ErrContentKey is that the keys do not fit what is in the database: no message can be tried without its text.
var ErrContentKey = errors.New("the keys of store.encrypt_key do not fit the messages in the store")

// ContentKey is one, of AES-256.
type ContentKey struct {
	ID  string // at most 32 octets
	Key [32]byte
}

// Keys seal what somebody wrote, and open it. A nil Keys does neither.
type Keys struct {
	first *openedKey // nil = nothing is sealed
	all   map[string]*openedKey
	blind bool
}

// Blind are Keys for who looks at rows and needs none of their texts: what is sealed is left out.
func Blind() *Keys { return &Keys{blind: true} }

type openedKey struct {
	id   string
	head []byte // of what it seals
	aead cipher.AEAD
}

const maxKeyID = 32

// NewKeys makes Keys of which the first one seals, if seal is set, and all open.
func NewKeys(keys []ContentKey, seal bool) (*Keys, error) {
	k := &Keys{all: map[string]*openedKey{}}
	for i := range keys {
		one := &keys[i]
		block, err := aes.NewCipher(one.Key[:])
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		if len(one.ID) > maxKeyID || k.all[one.ID] != nil {
			return nil, fmt.Errorf("the id of a key is too long, or there twice: %.40q", one.ID)
		}
		o := &openedKey{one.ID, (&KeyNote{ID: one.ID}).Head(), aead}
		k.all[one.ID] = o
		if seal && k.first == nil {
			k.first = o
		}
	}
	if seal && k.first == nil {
		return nil, errors.New("there is no key to seal with")
	}
	return k, nil
}

// The columns that have sealed values.
const (
	sealedContent = 'c'
	sealedTLVs    = 't'
	sealedProof   = 'p' // of no message
)

// bound is what a value is authenticated with.
func bound(id sms.ID, column byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(id)), column)
}

func (o *openedKey) seal(dst, value []byte, id sms.ID, column byte) []byte {
	return o.aead.Seal(append(dst, o.head...), nil, value, bound(id, column))
}

func (k *Keys) open(sealed []byte, id sms.ID, column byte) ([]byte, error) {
	if len(sealed) == 0 || len(sealed) < 1+int(sealed[0]) {
		return nil, errAttributes
	}
	name := sealed[1 : 1+int(sealed[0])]
	var o *openedKey
	switch {
	case k == nil:
	case k.blind:
		return nil, nil
	default:
		o = k.all[string(name)]
	}
	if o == nil {
		return nil, fmt.Errorf("%w: there is no key %.40q", ErrContentKey, name)
	}
	value, err := o.aead.Open(nil, nil, sealed[1+len(name):], bound(id, column))
	if err != nil {
		return nil, fmt.Errorf("what was sealed with the key %.40q cannot be opened: the row is damaged: %w", name, err)
	}
	return value, nil
}

// AppendColumns appends the attributes column of a message's row to dst, and returns it with the content column. The message bears
// its ID. What it returns may share the memory of dst and of m.Content.
func (k *Keys) AppendColumns(dst []byte, m *sms.Message) (attributes, content []byte) {
	if k == nil || k.first == nil {
		return AppendAttributes(dst, m), m.Content
	}
	var tlvs []byte
	if len(m.TLVs) > 0 {
		tlvs = k.first.seal(nil, m.TLVs, m.ID, sealedTLVs)
	}
	return appendAttributes(dst, m, SealedVersion, tlvs), k.first.seal(nil, m.Content, m.ID, sealedContent)
}

// Decode sets what is in the attributes and content columns of m's row: its ID, Kind and, as the row has it, ReceivedAt are set by then.
// A nil content was not read. m may keep content, and nothing of attributes.
func (k *Keys) Decode(attributes, content []byte, m *sms.Message, names *Names) (err error) {
	if err := DecodeAttributes(attributes, m, names); err != nil {
		return err
	}
	m.Content = content
	if attributes[0] != SealedVersion {
		return nil
	}
	if len(m.TLVs) > 0 {
		if m.TLVs, err = k.open(m.TLVs, m.ID, sealedTLVs); err != nil {
			return err
		}
	}
	if content != nil {
		m.Content, err = k.open(content, m.ID, sealedContent)
	}
	return err
}

// KeyNote is what the database keeps of a key that messages are sealed with.
type KeyNote struct {
	ID     string
	Proof  []byte // by which a key of the same id is known to be the same
	UpTo   sms.ID // no message above is sealed with it; 0 = it is in use
	Forget bool   // it is needed no more
}

// Head is what each value begins with that is sealed with the key.
func (n *KeyNote) Head() []byte { return append([]byte{byte(len(n.ID))}, n.ID...) }

// Check holds the keys to what the database keeps of those that messages are sealed with, first and last being the IDs of
// the messages that there are, 0 = there are none. It returns the notes to write, or ErrContentKey and what to do.
func (k *Keys) Check(notes []KeyNote, first, last sms.ID) (write []KeyNote, err error) {
	noted := false
	for _, n := range notes {
		uses := k != nil && k.first != nil && k.first.id == n.ID
		if n.UpTo != 0 && (first == 0 || first > n.UpTo) && !uses {
			n.Forget = true
			write = append(write, n)
			continue
		}
		var o *openedKey
		if k != nil {
			o = k.all[n.ID]
		}
		if o == nil {
			return nil, fmt.Errorf("%w: some are sealed with the key %q, which is not there: put it back, behind the one that is to be used from now on", ErrContentKey, n.ID)
		}
		if _, err := o.aead.Open(nil, nil, n.Proof, bound(0, sealedProof)); err != nil {
			return nil, fmt.Errorf("%w: some are sealed with a key %q that is another one: put that back; a new key needs an id of its own", ErrContentKey, n.ID)
		}
		switch {
		case uses && n.UpTo != 0:
			n.UpTo = 0
			write = append(write, n)
		case !uses && n.UpTo == 0:
			n.UpTo = max(last, 1)
			write = append(write, n)
		}
		noted = noted || uses
	}
	if k != nil && k.first != nil && !noted {
		write = append(write, KeyNote{ID: k.first.id, Proof: k.first.aead.Seal(nil, nil, nil, bound(0, sealedProof))})
	}
	return write, nil
}
