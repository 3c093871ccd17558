package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"testing"
)

const architecture = "docs/architecture.md"

var (
	quoted   = regexp.MustCompile("`([^`\n]+)`")
	isPath   = regexp.MustCompile(`^[\w.-]+(/[\w.-]+)+$|^[\w-]+\.(go|md|toml|ps1)$`)
	exported = regexp.MustCompile(`^(\w+)\.([A-Z]\w*)(?:\.(\w+))?$`)
)

func TestThePageOnArchitectureNamesWhatIsThere(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", architecture))
	if err != nil {
		t.Fatal(err)
	}
	declared := declarations(t)
	paths, names := 0, 0
	for _, m := range quoted.FindAllStringSubmatch(string(page), -1) {
		name := m[1]
		if isPath.MatchString(name) {
			paths++
			if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(name))); err != nil {
				t.Errorf("%s names %s, which is not there", architecture, name)
			}
			continue
		}
		if exported.MatchString(name) {
			names++
			if !declared[name] {
				t.Errorf("%s names %s, which no package declares", architecture, name)
			}
		}
	}
	if paths < 20 || names < 15 {
		t.Errorf("only %d files and %d names were recognised: does the page still write them as this test reads them?", paths, names)
	}
}

// declarations are the exported names of all packages, as package.Name, with their methods and fields as package.Name.Member.
func declarations(t *testing.T) map[string]bool {
	all := map[string]bool{}
	for _, p := range packages(t, "linux") {
		name := path.Base(p.ImportPath)
		for _, file := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				for _, declared := range declaredBy(d) {
					all[name+"."+declared] = true
				}
			}
		}
	}
	return all
}

func declaredBy(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if named, ok := receiver.(*ast.Ident); ok {
			return []string{named.Name + "." + d.Name.Name}
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					names = append(names, n.Name)
				}
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
				for _, member := range members(spec.Type) {
					names = append(names, spec.Name.Name+"."+member)
				}
			}
		}
	}
	return names
}

// members are the fields of a struct, or the methods of an interface.
func members(typ ast.Expr) (names []string) {
	var fields *ast.FieldList
	switch typ := typ.(type) {
	case *ast.StructType:
		fields = typ.Fields
	case *ast.InterfaceType:
		fields = typ.Methods
	default:
		return nil
	}
	for _, f := range fields.List {
		for _, n := range f.Names {
			names = append(names, n.Name)
		}
	}
	return names
}

func TestArchitectureTestTellsNamesFromWords(t *testing.T) {
	for name, want := range map[string][2]bool{
		"smppserv/queue/entry.go": {true, false}, "config.toml": {true, false}, "queue.Queue.Add": {false, true}, "sms.Message": {false, true},
		"max_queued": {}, "hermes.url": {}, "go test ./...": {}, "mu": {}, "Run": {},
	} {
		if got := [2]bool{isPath.MatchString(name), exported.MatchString(name)}; got != want {
			t.Errorf("%s: a path %t, a name %t", name, got[0], got[1])
		}
	}
}
