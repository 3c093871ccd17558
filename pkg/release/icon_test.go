package main

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "draw the icon's files again")

// The icon's files are drawn here. To change it, change drawIcon and run: go test ./pkg/release -run Icon -update
func TestIconFilesAreWhatIsDrawnHere(t *testing.T) {
	for _, size := range iconSizes {
		name := filepath.Join("winres", iconFile(size))
		drawn := drawIcon(size)
		if *update {
			var data bytes.Buffer
			if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&data, drawn); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, data.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := sameImage(stored, drawn); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// sameImage allows for rounding, which is not the same on every processor.
func sameImage(a, b image.Image) error {
	if a.Bounds() != b.Bounds() {
		return fmt.Errorf("it is %v, not %v", a.Bounds(), b.Bounds())
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p, q := color.NRGBAModel.Convert(a.At(x, y)).(color.NRGBA), color.NRGBAModel.Convert(b.At(x, y)).(color.NRGBA)
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B), int(p.A) - int(q.A)} {
				if d < -2 || d > 2 {
					return fmt.Errorf("the pixel %d,%d is %v, not %v", x, y, p, q)
				}
			}
		}
	}
	return nil
}

var (
	petrol = color.NRGBA{0x0b, 0x5c, 0x7a, 0xff}
	white  = color.NRGBA{0xff, 0xff, 0xff, 0xff}
	orange = color.NRGBA{0xf2, 0x8c, 0x28, 0xff}
)

// drawIcon draws a speech bubble with three dots on a rounded tile.
func drawIcon(size int) *image.NRGBA {
	const samples = 8 // in each direction, for smooth edges
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			var r, g, b, a float64
			for i := range samples * samples {
				c := iconAt((float64(x)+(float64(i%samples)+0.5)/samples)/float64(size), (float64(y)+(float64(i/samples)+0.5)/samples)/float64(size))
				alpha := float64(c.A)
				r, g, b, a = r+float64(c.R)*alpha, g+float64(c.G)*alpha, b+float64(c.B)*alpha, a+alpha
			}
			if a > 0 {
				img.SetNRGBA(x, y, color.NRGBA{uint8(math.Round(r / a)), uint8(math.Round(g / a)), uint8(math.Round(b / a)), uint8(math.Round(a / (samples * samples)))})
			}
		}
	}
	return img
}

// iconAt is the icon's colour at a place between 0,0 and 1,1.
func iconAt(x, y float64) color.NRGBA {
	for i := range 3 {
		if math.Hypot(x-(0.32+0.18*float64(i)), y-0.44) < 0.06 {
			return orange
		}
	}
	inTail := y > 0.6 && y < 0.84 && x > 0.28 && x < 0.28+(0.84-y)
	switch {
	case inRounded(x, y, 0.16, 0.2, 0.84, 0.68, 0.12), inTail:
		return white
	case inRounded(x, y, 0.02, 0.02, 0.98, 0.98, 0.2):
		return petrol
	}
	return color.NRGBA{}
}

func inRounded(x, y, left, top, right, bottom, radius float64) bool {
	dx := math.Max(math.Max(left+radius-x, x-right+radius), 0)
	dy := math.Max(math.Max(top+radius-y, y-bottom+radius), 0)
	return math.Hypot(dx, dy) < radius
}
