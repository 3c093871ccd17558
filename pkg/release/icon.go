package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

var iconSizes = []int{256, 64, 48, 32, 16} // pixels

func iconFile(size int) string { return fmt.Sprintf("icon-%d.png", size) }

// makeICO puts the icon's PNG files into one .ico, which is what Windows Installer takes.
func makeICO(folder string) ([]byte, error) {
	const headerSize, entrySize = 6, 16
	var head, images bytes.Buffer
	_ = binary.Write(&head, binary.LittleEndian, []uint16{0, 1, uint16(len(iconSizes))})
	for _, size := range iconSizes {
		data, err := os.ReadFile(filepath.Join(folder, iconFile(size)))
		if err != nil {
			return nil, err
		}
		side := uint8(size) // 0 means 256
		_ = binary.Write(&head, binary.LittleEndian, struct {
			Width, Height, Colours, Reserved uint8
			Planes, Bits                     uint16
			Size, Offset                     uint32
		}{side, side, 0, 0, 1, 32, uint32(len(data)), uint32(headerSize + entrySize*len(iconSizes) + images.Len())})
		images.Write(data)
	}
	return append(head.Bytes(), images.Bytes()...), nil
}
