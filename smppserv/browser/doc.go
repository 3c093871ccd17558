// Package browser is the operator's page in a real browser, driven from outside: what people see and click, what a screen reader
// is told, and that nothing is fetched from elsewhere.
//
// BROWSER_PICTURES names a folder for a picture of each page.
package browser
