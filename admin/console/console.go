// Package console is what people see of keygate in a browser: Settings -> API
// Keys, the audit log, and the way in and out.
//
// A page is a pure function: a struct of strings and plain values ([KeyList],
// [KeyPage], ...) goes through html/template and comes out as bytes
// ([Pages.Render]). Nothing here looks a key up or decides who may do what.
//
// What a caller may rely on:
//
//   - Every page is whole without JavaScript. console.js adds the copy buttons,
//     the filter as one types and a guard against double taps; nothing needs it.
//   - No page holds an inline script, an inline style or a style attribute, so
//     that [Policy] can forbid them all. Nothing is loaded from anywhere else.
//   - What people gave (names, labels, reasons) is escaped by html/template and
//     by nothing else: no value is ever marked as safe.
//   - A key's text is in the page [ShownKey] and in no other.
package console

// Policy is the Content-Security-Policy that every page is made for.
const Policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
