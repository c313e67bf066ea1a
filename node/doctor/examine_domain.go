package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"vsys/servers/process"
)

// Implementation constants.
const (
	// late is when a certificate should have been renewed for long: that begins at a
	// third of its 90 days.
	late = 20 * 24 * time.Hour

	// recent is how long a trouble counts of which it can't be told whether it lasts:
	// hosts that refuse each other say so every ten minutes.
	recent = 15 * time.Minute
)

// examineDomain says how the domain is kept: whether it is sealed, who keeps its key,
// and how long this host's certificate is good.
func examineDomain(f *Facts) []Finding {
	const check = "domain"
	s := f.Host.Security
	switch {
	case s != nil && s.Clear || s == nil && f.Member.Clear:
		return one(check, Warning, "this domain is CLEAR: nothing is sealed",
			"whoever is on the network can read and forge all that hosts say; to seal it, with the setting clear off:",
			"on one host: vsys shutdown; vsys boot; then on each other one: vsys shutdown; vsys join CODE")
	case s != nil:
		return []Finding{f.examineKeepers(s), f.examineCertificate(s, s.NotAfter)}
	case f.Member.Keys && !f.Member.NotAfter.IsZero():
		return []Finding{f.examineCertificate(&process.Security{}, f.Member.NotAfter)}
	case f.joined():
		return one(check, Skipped, "how the domain is kept could not be asked", "", "")
	}
	return one(check, Skipped, "this machine is in no domain yet", "", "")
}

// examineKeepers says who has the domain's key.
func (f *Facts) examineKeepers(s *process.Security) Finding {
	finding := Finding{Check: "domain", Status: OK}
	ends := fmt.Sprintf("no certificate is renewed: that of this host ends in %s", days(s.NotAfter.Sub(f.Wall)))
	switch all := slices.Concat(s.Keepers, s.Away); {
	case len(s.Keepers) == 0:
		finding.Status = Warning
		finding.What = "no host that keeps the domain's key lives"
		finding.Why = "nobody can be let in or expelled, and " + ends
		finding.Mend = onKeepers(s)
	case len(all) == 1 && len(f.Host.others(false)) > 0:
		finding.Status = Warning
		finding.What = fmt.Sprintf("%s alone keeps the domain's key", all[0])
		finding.Why = "if it is lost for good, nobody can be let in or expelled, and " + ends
		finding.Mend = "vsys invite --keeper, then on another host: vsys join --again CODE"
		if all[0] != f.Host.Name {
			finding.Mend = fmt.Sprintf("on %s: %s", all[0], finding.Mend)
		}
	default:
		finding.What = "sealed; the domain's key is kept by " + strings.Join(all, ", ")
	}
	return finding
}

// examineCertificate says how long this host's certificate is good.
func (f *Facts) examineCertificate(s *process.Security, end time.Time) Finding {
	left := end.Sub(f.Wall)
	at := end.UTC().Format("2006-01-02 15:04 UTC")
	finding := Finding{Check: "domain", Mend: onKeepers(s)}
	if f.Member.Keeper && !f.Host.Running { // it renews its own
		s, finding.Mend = nil, "vsys boot"
	}
	switch {
	case left <= 0:
		finding.Status = Error
		finding.What = "the certificate of this host ended at " + at
		finding.Why = fmt.Sprintf("other hosts refuse it; the clock here says %s: set it if it is wrong, else:", f.Wall.UTC().Format("2006-01-02 15:04 UTC"))
		if s != nil {
			finding.Mend = "vsys invite on a host that keeps the domain's key, then here: vsys join --again CODE"
		}
	case left < late:
		finding.Status = Warning
		finding.What = fmt.Sprintf("the certificate of this host ends in %s, at %s, and is not renewed", days(left), at)
		finding.Why = "a host that keeps the domain's key renews it by itself, when both run"
	default:
		finding.Status, finding.Mend = OK, ""
		finding.What = fmt.Sprintf("the certificate of this host is good for %s, and is renewed by itself", days(left))
	}
	return finding
}

// onKeepers says which hosts are to be started, so that one with the domain's key
// lives; or where to look if one does.
func onKeepers(s *process.Security) string {
	switch {
	case len(s.Away) > 0:
		return fmt.Sprintf("on %s: vsys boot", strings.Join(s.Away, " or "))
	case len(s.Keepers) > 0:
		return fmt.Sprintf("vsys cat /log/%s/kernel, for why it is not renewed", s.Keepers[0])
	}
	return "vsys boot, on a host that keeps the domain's key"
}

// days says a duration in days, as hosts that are weeks from trouble count.
func days(d time.Duration) string {
	switch n := int(d / (24 * time.Hour)); {
	case d <= 0:
		return "no time"
	case n == 0:
		return "less than a day"
	case n == 1:
		return "a day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

const whyClock = "certificates have dates, and are refused where a clock is off by days"

func examineClock(f *Facts) (list []Finding) {
	const check = "clock"
	keep := f.asRoot("timedatectl set-ntp true")
	for _, t := range f.troubles(process.Skew) {
		if !f.lives(t.Host, t.Addr) {
			continue
		}
		way := "ahead of"
		if t.Skew < 0 {
			way = "behind"
		}
		list = append(list, Finding{check, Warning,
			fmt.Sprintf("the clock of host %s at %s is %v %s the one here (%s)", t.Host, t.Addr, t.Skew.Abs(), way, f.ago(t)),
			whyClock, "on the machine whose clock is wrong: " + keep})
	}
	switch {
	case f.Clock.Err != nil:
		list = append(list, Finding{check, Skipped, "the clock's state can't be read", f.Clock.Err.Error(), ""})
	case !f.Clock.Synchronized:
		list = append(list, Finding{check, Warning, "nothing keeps this machine's clock right", whyClock, keep})
	case len(list) == 0:
		list = one(check, OK, "this machine's clock is kept right", "", "")
	}
	return list
}

// troubles returns those of a kind that the host tells of, the last first.
func (f *Facts) troubles(kind process.TroubleKind) (list []process.Trouble) {
	if f.Host.Security == nil {
		return nil
	}
	for _, t := range slices.Backward(f.Host.Security.Troubles) {
		if t.Kind == kind {
			list = append(list, t)
		}
	}
	return list
}

// lives tells whether a host of that name, or its alias, lives at an address.
func (f *Facts) lives(name, addr string) bool {
	for i := range f.Host.Hosts {
		h := &f.Host.Hosts[i]
		listed, _, _ := strings.Cut(h.Name, "~")
		if h.Live() && listed == name && (h.Address == addr || h.Name == f.Host.Name) {
			return true
		}
	}
	return false
}

// lasts tells whether a trouble between two hosts may still be there.
func (f *Facts) lasts(t *process.Trouble) bool {
	return f.Wall.Sub(t.At) < recent || f.lives(t.Host, t.Addr) && f.lives(t.By, t.ByAddr)
}

// ago says when a trouble was.
func (f *Facts) ago(t process.Trouble) string {
	d := max(f.Wall.Sub(t.At), 0)
	switch {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h ago", int(d.Hours()))
}

// examineConflicts looks for hosts that want the same number, name, key or prefix,
// and for those that don't trust each other.
func examineConflicts(f *Facts) (list []Finding) {
	const check = "conflicts"
	if !f.Host.Running || f.Host.Problem != "" {
		return one(check, Skipped, "what hosts have against one another is known to a running host only", "", "")
	}
	list = slices.Concat(f.sameName(), f.sameThing(), f.sameKey(), f.refusals())
	for i := range list {
		list[i].Check = check
	}
	if len(list) == 0 {
		return one(check, OK, "every host has a number, name, key and prefixes of its own", "", "")
	}
	return list
}

// sameName looks for two hosts with one name: one of them is listed by an alias,
// and on that one it is the other.
func (f *Facts) sameName() (list []Finding) {
	for i := range f.Host.Hosts {
		h := &f.Host.Hosts[i]
		if name, _, aliased := strings.Cut(h.Name, "~"); aliased && h.Live() {
			list = append(list, Finding{"", Error, fmt.Sprintf("two hosts have the name %s", name),
				fmt.Sprintf("the one at %s is listed as %s", h.Address, h.Name),
				fmt.Sprintf("on %s: vsys shutdown; vsys boot --name ANOTHER", h.Address)})
		}
	}
	for _, t := range f.troubles(process.SameName) {
		if len(list) == 0 && f.lasts(&t) {
			list = append(list, Finding{"", Error, fmt.Sprintf("two hosts have the name %s, at %s and %s", t.Host, t.ByAddr, t.Addr),
				"the elder, at " + t.ByAddr + ", keeps it", fmt.Sprintf("on %s: vsys shutdown; vsys boot --name ANOTHER", t.Addr)})
		}
	}
	return list
}

// sameThing looks for one number, or one prefix.
func (f *Facts) sameThing() (list []Finding) {
	for _, t := range f.troubles(process.SameNumber) {
		if f.Wall.Sub(t.At) < recent {
			list = append(list, Finding{"", Warning, fmt.Sprintf("%s (%s)", t.Text, f.ago(t)),
				fmt.Sprintf("%s at %s boots again with another number by itself", t.Host, t.Addr), "vsys hosts, to see that it does"})
		}
	}
	for _, t := range f.troubles(process.SamePrefix) {
		if f.lasts(&t) {
			list = append(list, Finding{"", Warning, fmt.Sprintf("%s and %s both serve the prefix %s", t.By, t.Host, t.Prefix),
				fmt.Sprintf("on %s its own counts, on all other hosts that of %s", t.Host, t.By),
				fmt.Sprintf("on %s: end the server, or give it another prefix", t.Host)})
		}
	}
	return list
}

// sameKey looks for copies of a state directory.
func (f *Facts) sameKey() (list []Finding) {
	const mend = "on the copy: vsys shutdown, remove its state directory, vsys join CODE"
	for _, t := range f.troubles(process.OwnKey) {
		if f.Wall.Sub(t.At) < recent {
			list = append(list, Finding{"", Error, fmt.Sprintf("%s at %s has this host's key (%s)", t.Host, t.Addr, f.ago(t)),
				"a state directory was copied from one to the other", mend})
		}
	}
	for _, t := range f.troubles(process.SameKey) {
		if f.lasts(&t) {
			list = append(list, Finding{"", Error,
				fmt.Sprintf("%s at %s has the host key of %s at %s", t.Host, t.Addr, t.By, t.ByAddr),
				"a state directory was copied from one to the other", mend})
		}
	}
	return list
}

// refusals looks for hosts that don't trust each other.
func (f *Facts) refusals() (list []Finding) {
	for _, kind := range []process.TroubleKind{process.Refused, process.RefusedBy} {
		for _, t := range f.troubles(kind) {
			if f.Wall.Sub(t.At) < recent && !f.lives(t.Host, t.Addr) {
				what, why, _ := strings.Cut(t.Text, ": ")
				list = append(list, Finding{"", Warning, fmt.Sprintf("%s (%s)", what, f.ago(t)), why, ""})
			}
		}
	}
	return list
}

func examineVersions(f *Facts) (list []Finding) {
	const check = "version"
	h := &f.Host
	if !h.Running || h.Problem != "" {
		return one(check, OK, "this program is version "+f.Version, "", "")
	}
	if h.Version != f.Version {
		list = append(list, Finding{check, Warning,
			fmt.Sprintf("the host here runs version %s, this program is %s", h.Version, f.Version), "", "vsys shutdown; vsys boot"})
	}
	of := map[string][]string{}
	for i := range h.Hosts {
		if o := &h.Hosts[i]; o.Live() && o.Version != h.Version && o.Version != "" {
			of[o.Version] = append(of[o.Version], o.Name)
		}
	}
	for _, v := range slices.Sorted(maps.Keys(of)) {
		list = append(list, Finding{check, Warning,
			fmt.Sprintf("version %s runs on %s, %s on the host here", v, strings.Join(of[v], ", "), h.Version),
			compatible(v, h.Version), "install one version on all hosts; then on each: vsys shutdown; vsys boot"})
	}
	if len(list) == 0 {
		return one(check, OK, "all hosts run version "+h.Version, "", "")
	}
	return list
}

// compatible says whether hosts of two versions work together: a release does with
// the one before.
func compatible(a, b string) string {
	major, minor, ok := release(a)
	otherMajor, otherMinor, otherOK := release(b)
	switch {
	case !ok || !otherOK:
		return "one of them is no release, so whether they work together is not known"
	case major == otherMajor && max(minor, otherMinor)-min(minor, otherMinor) <= 1:
		return "they are neighbours, and work together"
	}
	return "they are more than one release apart, and may not work together"
}

// release reads the first two numbers of a version like v1.2.3; what was built
// between releases, as v1.2.3-0.2026…, is none.
func release(version string) (major, minor int, ok bool) {
	if strings.ContainsAny(version, "-+") {
		return 0, 0, false
	}
	first, rest, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, false
	}
	minor, err = strconv.Atoi(second)
	return major, minor, err == nil
}
