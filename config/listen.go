package config

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// readListen reads one address or a list of them.
func (d *decoder) readListen(f field, n node) {
	items := []node{n}
	if n.shape == list {
		items = n.items
	}
	if len(items) == 0 {
		d.wrong(n, f.name, "at least one address: "+expectedListen)
	}
	var addresses []Address
	for _, item := range items {
		address, expected := d.address(item, addresses)
		if expected != "" {
			d.wrong(item, f.name, expected)
			continue
		}
		if d.at != nil {
			d.at[numbered(f.name, len(addresses))] = origin{place: item.at}
		}
		addresses = append(addresses, address)
	}
	f.value.Set(reflect.ValueOf(addresses))
}

// numbered names an item of a list, as in "listen.0".
func numbered(name string, i int) string { return name + "." + strconv.Itoa(i) }

// address reads one address that is not among the others yet.
func (d *decoder) address(n node, others []Address) (a Address, expected string) {
	if n.shape != text {
		return Address{}, expectedListen + addressHint(n.text)
	}
	if expected := checkListen(n.text); expected != "" {
		return Address{}, expected
	}
	a = parseAddress(n.text, d.folder)
	if slices.Contains(others, a) && !strings.HasSuffix(a.Address, ":0") {
		return Address{}, "each address once"
	}
	return a, ""
}
