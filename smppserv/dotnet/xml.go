package dotnet

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// oldFile is the .NET service's .exe.config.
type oldFile struct {
	settings []*oldSetting          // in the order of the file
	byKey    map[string]*oldSetting // in small letters: .NET does not look at capitals
	sections []string               // besides appSettings
	external string                 // a second file of settings, which .NET reads over these
}

type oldSetting struct {
	key, value string
	times      int // how often it is there; the last one counts, as in .NET
}

type appSettings struct {
	ConfigSource string `xml:"configSource,attr"`
	File         string `xml:"file,attr"`
	Protection   string `xml:"configProtectionProvider,attr"`
	Entries      []struct {
		XMLName xml.Name
		Key     string `xml:"key,attr"`
		Value   string `xml:"value,attr"`
	} `xml:",any"`
}

const giveOldFile = "give the file of the .NET service, such as SmppServerOpportunityService.exe.config"

func readOldFile(data []byte) (*oldFile, error) {
	var root struct {
		XMLName  xml.Name
		Settings []appSettings                `xml:"appSettings"`
		Others   []struct{ XMLName xml.Name } `xml:",any"`
	}
	if err := decodeXML(data, &root); err != nil {
		return nil, err
	}
	switch name := root.XMLName.Local; {
	case name == "appSettings": // the file that configSource or file names
		root.Settings, root.Others = make([]appSettings, 1), nil
		if err := decodeXML(data, &root.Settings[0]); err != nil {
			return nil, err
		}
	case name != "configuration":
		return nil, fmt.Errorf("its root element is <%s>, not <configuration>; %s", shorten(name), giveOldFile)
	case len(root.Settings) == 0:
		return nil, errors.New("has no <appSettings>; " + giveOldFile)
	}
	file := &oldFile{byKey: map[string]*oldSetting{}}
	for _, section := range root.Settings {
		switch {
		case section.ConfigSource != "":
			return nil, fmt.Errorf("its appSettings are in another file, %s (configSource); import that one", quote(section.ConfigSource))
		case section.Protection != "":
			return nil, errors.New("its appSettings are encrypted; on the old machine copy it to web.config, decrypt that with: aspnet_regiis -pdf appSettings FOLDER, and import it")
		case section.File != "":
			file.external = section.File
		}
		file.apply(section)
	}
	for _, other := range root.Others {
		if name := other.XMLName.Local; len(file.sections) < maxListed && !slices.Contains(file.sections, name) {
			file.sections = append(file.sections, name)
		}
	}
	return file, nil
}

// apply does what .NET does with the section's entries, one after the other.
func (f *oldFile) apply(section appSettings) {
	for _, e := range section.Entries {
		key := strings.TrimSpace(e.Key)
		s := f.byKey[strings.ToLower(key)]
		switch e.XMLName.Local {
		case "add":
			if s == nil {
				s = &oldSetting{}
				f.byKey[strings.ToLower(key)] = s
				f.settings = append(f.settings, s)
			}
			*s = oldSetting{key, e.Value, s.times + 1}
		case "remove":
			if s != nil {
				s.times = 0
				delete(f.byKey, strings.ToLower(key))
			}
		case "clear":
			f.settings, f.byKey = nil, map[string]*oldSetting{}
		}
	}
	f.settings = slices.DeleteFunc(f.settings, func(s *oldSetting) bool { return s.times == 0 })
}

func decodeXML(data []byte, root any) error {
	text, decoded, err := decodeUTF(data)
	if err != nil {
		return err
	}
	switch begin := bytes.TrimSpace(text); {
	case len(begin) == 0:
		return errors.New("is empty; " + giveOldFile)
	case begin[0] != '<':
		return errors.New("is not XML; " + giveOldFile)
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(name string, r io.Reader) (io.Reader, error) {
		charset := charsets[strings.ToLower(name)]
		switch {
		case decoded || strings.EqualFold(name, "utf-16"): // an editor may have left the UTF-16 of its first line
			return r, nil
		case charset == nil:
			return nil, errors.New("it is not known here; save the file as UTF-8")
		}
		return charset.NewDecoder().Reader(r), nil
	}
	if err = d.Decode(root); err == nil {
		if err = d.Decode(new(struct{})); errors.Is(err, io.EOF) {
			return nil
		} else if err == nil {
			err = errors.New("a second root element follows the first")
		}
	}
	hint := ""
	if strings.Contains(err.Error(), "invalid UTF-8") {
		hint = "; save it as UTF-8, or name its encoding in its first line"
	}
	line, _ := d.InputPos()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		line, err = syntax.Line, errors.New(syntax.Msg)
	}
	return fmt.Errorf("line %d: is not valid XML: %s%s", line, shorten(strings.TrimPrefix(err.Error(), "xml: ")), hint)
}

var charsets = map[string]*charmap.Charmap{
	"windows-1252": charmap.Windows1252, "us-ascii": charmap.Windows1252,
	"iso-8859-1": charmap.ISO8859_1, "iso-8859-15": charmap.ISO8859_15,
}

// decodeUTF makes UTF-8 of UTF-16. decoded: what the first line says of the encoding does not count.
func decodeUTF(data []byte) (text []byte, decoded bool, err error) {
	begins := func(prefix string) bool { return bytes.HasPrefix(data, []byte(prefix)) }
	order := unicode.LittleEndian
	switch {
	case begins("\xef\xbb\xbf"):
		return data[3:], true, nil
	case begins("\xff\xfe"), begins("<\x00"):
	case begins("\xfe\xff"), begins("\x00<"):
		order = unicode.BigEndian
	case begins("MZ"):
		return nil, false, errors.New("is a program; give the .exe.config that stands beside it")
	case bytes.IndexByte(data, 0) >= 0:
		return nil, false, errors.New("is a binary file; " + giveOldFile)
	default:
		return data, false, nil
	}
	text, err = unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(data)
	return text, true, err
}
