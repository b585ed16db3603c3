package console

import (
	"strings"
	"time"
)

// state is a page in one of the states that people see it in.
type state struct {
	name  string
	frame Frame
	page  Page
}

// The names that pages must survive.
var (
	markup    = `<img src=x onerror=alert(1)>`
	wide      = strings.Repeat("W", 100)
	wideWords = strings.Repeat("ﷺ", 40) + strings.Repeat("漢字", 30)
	turned    = "invoice-\u202egpj.exe"
	stacked   = "Z" + strings.Repeat("\u0335\u0321", 40) + "algo"
)

// sampleText is the text of the key that is shown. No page but one may have it.
type sampleText string

func (s sampleText) Reveal() string { return string(s) }
func (sampleText) String() string   { return "[redacted]" }

const sampleKey = "ant_XInPgi0Zc4Qm8TnV2bLw7RsK1yHd9FeJ3uAo6BpCtGq0abcdWXYZ"

func moment(words, exact string) Moment { return Moment{words, exact} }

// key gives a row that is like those of real life.
func key(name, last4, permission, status string) KeyRow {
	return KeyRow{
		ID: "01M85D58N20XT1KJQV8V0M7" + last4[:3], Name: name, Masked: "ant_..." + last4, Permission: permission, Status: status,
		Account: "default", Workspace: "default",
		Created:  moment("2 Nov 2025", "2025-11-02T09:12:44.120Z"),
		LastUsed: moment("4 min ago", "2025-11-24T16:43:10.000Z"),
		Expires:  moment("31 Jan 2026", "2026-01-31T09:12:44.120Z"),
	}
}

func (k KeyRow) with(change func(*KeyRow)) KeyRow {
	change(&k)
	return k
}

func unused(k *KeyRow) { k.LastUsed = Moment{} }
func always(k *KeyRow) { k.Expires = Moment{} }
func soon(k *KeyRow) {
	k.Expires, k.ExpiresSoon = moment("in 3 days", "2025-11-27T09:12:44.120Z"), true
}

// elsewhere puts a key into an account and a workspace with long names.
func elsewhere(k *KeyRow) {
	k.Account, k.Workspace = "northwind-traders.eu", "production-and-a-workspace-whose-name-is-as-long-as-one-may-be"
}

var sampleKeys = []KeyRow{
	key("Nightly import, production", "9fQx", "write", "active"),
	key("Mobile app", "T2mZ", "read", "active").with(soon),
	key("Terraform", "b7Kd", "full", "active").with(always),
	key("Translation worker", "0pLs", "write", "retiring"),
	key("Partner: Globex", "Vn4e", "read", "disabled"),
	key("Data warehouse", "x81R", "read", "expired").with(func(k *KeyRow) {
		k.Expires, k.LastUsed = moment("12 Oct 2025", "2025-10-12T00:00:00.000Z"), moment("6 weeks ago", "2025-10-11T23:50:02.000Z")
	}),
	key("Old CI", "Wq3T", "full", "revoked").with(unused),
}

var hostileKeys = []KeyRow{
	key(markup, "aX1b", "read", "active"),
	key(wide, "bX2c", "write", "active").with(elsewhere),
	key(wideWords, "cX3d", "full", "retiring"),
	key(turned, "dX4e", "operator", "disabled"),
	key(stacked, "eX5f", "read", "revoked").with(unused),
	key("مفتاح الإنتاج", "fX6g", "read", "active").with(always),
	key("a", "gX7h", "read", "active"),
}

// frame is what is around the pages of a full key.
func frame(section string) Frame {
	return Frame{Token: "f0rm", SignedIn: &SignedIn{
		Name: "Terraform", Masked: "ant_...b7Kd", Account: "default", Workspace: "default", Section: section,
	}}
}

// operatorFrame is that of an operator with a long name over everything.
func operatorFrame(section string) Frame {
	f := frame(section)
	f.SignedIn.Name, f.SignedIn.Account, f.SignedIn.Workspace = "The platform team's key for the console, of everybody", "", ""
	return f
}

func noticed(notice string) Frame {
	f := frame("keys")
	f.Notice = notice
	return f
}

var sampleStart = time.Date(2025, 11, 22, 17, 0, 0, 0, time.UTC)

// sampleHours is two days of a program that works by day.
func sampleHours() Chart {
	var slots []Slot
	for i := range 48 {
		at := sampleStart.Add(time.Duration(i) * time.Hour)
		s := Slot{Label: at.Format("2 Jan, 15:04"), Tick: at.Format("Mon 15:04")}
		if h := at.Hour(); h > 6 && h < 22 {
			s.Allowed = uint64(900 + 130*(h%7) + 17*i)
		}
		if i%11 == 3 {
			s.Denied = uint64(40 + 9*i)
		}
		slots = append(slots, s)
	}
	return NewChart("Last 48 hours", "hour", slots, 4)
}

func sampleDays() Chart {
	var slots []Slot
	for i := range 90 {
		at := sampleStart.AddDate(0, 0, i-89)
		s := Slot{Label: at.Format("Mon 2 Jan 2006"), Tick: at.Format("2 Jan")}
		if i > 20 && at.Weekday() != time.Sunday {
			s.Allowed = uint64(18000 + 700*(i%9) + 160*i)
		}
		if i > 80 {
			s.Denied = uint64(i * i / 2)
		}
		slots = append(slots, s)
	}
	return NewChart("Last 90 days", "day", slots, 6)
}

func quietHours() Chart {
	return NewChart("Last 48 hours", "hour", make([]Slot, 48), 4)
}
