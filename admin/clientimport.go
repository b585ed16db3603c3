package admin

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/antinium/keygate/keystore"
)

const (
	importChunk = 4 << 20 // bytes that a call of an import carries, and one line more
	maxGap      = 1000    // lines between two of a chunk that are not there
	abortTime   = 10 * time.Second
)

// ImportText is one line of an import, on its way to the server. It may hold a
// key in clear, and so nothing prints it.
type ImportText struct {
	number int
	text   []byte // a JSON object
}

// Format prints the number alone, for every verb.
func (t ImportText) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "line %d", t.number) }

// JSONLines reads an import of one JSON object a line: see
// keystore.ImportLine. Behind a *keystore.BadLine it goes on; any other error
// ends it.
func JSONLines(r io.Reader) iter.Seq2[ImportText, error] {
	return func(yield func(ImportText, error) bool) {
		lines := bufio.NewReaderSize(r, keystore.MaxImportLine+2)
		for number := 1; ; number++ {
			text, err := nextLine(lines, number)
			if number == 1 {
				text = bytes.TrimPrefix(text, []byte("\ufeff")) // as some editors write it
			}
			ended := errors.Is(err, io.EOF)
			if ended {
				err = nil
			}
			if (err != nil || len(bytes.TrimSpace(text)) > 0) && !yield(ImportText{number, text}, err) {
				return
			}
			var bad *keystore.BadLine
			if ended || err != nil && !errors.As(err, &bad) {
				return
			}
		}
	}
}

// nextLine is a line, good until the next call, or a *keystore.BadLine for one that
// is too long. io.EOF comes beside the last one.
func nextLine(r *bufio.Reader, number int) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimRight(line, "\r\n"), err
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return nil, &keystore.BadLine{Number: number, Problem: fmt.Sprintf("is longer than %d bytes", keystore.MaxImportLine)}
}

// CSVLines reads an import from a CSV file: see keystore.ImportCSV. Its errors are
// as those of JSONLines.
func CSVLines(r io.Reader) iter.Seq2[ImportText, error] {
	return func(yield func(ImportText, error) bool) {
		rows, err := keystore.NewImportCSV(r)
		if err != nil {
			yield(ImportText{}, err)
			return
		}
		for {
			line, err := rows.Next()
			var bad *keystore.BadLine
			switch {
			case errors.Is(err, io.EOF):
				return
			case !yield(ImportText{line.Number, line.AppendJSON(nil)}, err):
				return
			case err != nil && !errors.As(err, &bad):
				return
			}
		}
	}
}

// Imported tells what an import did.
type Imported struct {
	Count    int         // keys that work now, or would after a dry run; 0 if a line was bad
	Lines    int         // that were read, without empty ones
	BadLines int         // of these
	Bad      []ImportBad // the first 1000 of them or so, in the order of the file
}

// Import brings all keys of lines, or none. Where a line is bad it brings none,
// and tells of all bad lines: that is no error. progress, which may be nil, hears
// after each call how many lines were sent.
//
// However it ends, nothing is left half done: what was brought is removed, now or,
// where the server cannot be asked, by the server after a minute, and nobody sees
// it until then. Only behind an *AnswerLostError is it not known whether all keys
// are there.
func (c *Client) Import(ctx context.Context, lines iter.Seq2[ImportText, error], dryRun bool, progress func(lines int)) (Imported, error) {
	begun, err := send[importBegun](ctx, c, http.MethodPost, "/v1/imports", map[string]bool{"dry_run": dryRun})
	if err != nil {
		return Imported{}, err
	}
	path := "/v1/imports/" + url.PathEscape(begun.ID)
	i := &importing{client: c, path: path, progress: progress}
	if err := i.sendAll(ctx, lines); err != nil {
		c.abortImport(ctx, path)
		return i.done, err
	}
	if i.done.BadLines > 0 {
		c.abortImport(ctx, path)
		return i.done, nil
	}
	finished, err := send[importDone](ctx, c, http.MethodPost, path+"/finish", nil)
	if err != nil {
		var refused *APIError
		if errors.As(err, &refused) {
			c.abortImport(ctx, path)
		}
		return i.done, err
	}
	i.done.Count = finished.Imported
	return i.done, nil
}

// abortImport also works when ctx has ended. Where it fails the server does it.
func (c *Client) abortImport(ctx context.Context, path string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, _ = send[importAborted](ctx, c, http.MethodDelete, path, nil)
}

// importing collects lines into chunks and sends them.
type importing struct {
	client   *Client
	path     string
	progress func(lines int)
	done     Imported

	chunk       rawLines
	first, next int // numbers of the first line of the chunk, and of the one behind it
}

// rawLines are a body that is no JSON value.
type rawLines []byte

func (i *importing) sendAll(ctx context.Context, lines iter.Seq2[ImportText, error]) error {
	for line, err := range lines {
		var bad *keystore.BadLine
		if errors.As(err, &bad) {
			i.done.Lines++
			i.bad(1, ImportBad{bad.Number, problemOf(*bad)})
			continue
		}
		if err != nil {
			return err
		}
		if err := i.add(ctx, line); err != nil {
			return err
		}
	}
	if err := i.flush(ctx); err != nil {
		return err
	}
	slices.SortStableFunc(i.done.Bad, func(a, b ImportBad) int { return cmp.Compare(a.Line, b.Line) })
	return nil
}

func (i *importing) bad(count int, some ...ImportBad) {
	i.done.BadLines += count
	i.done.Bad = append(i.done.Bad, some[:min(len(some), maxBadLines-len(i.done.Bad))]...)
}

// add puts a line where the server counts to its number.
func (i *importing) add(ctx context.Context, line ImportText) error {
	gap := line.number - i.next
	if len(i.chunk) > 0 && (gap < 0 || gap > maxGap || len(i.chunk) > importChunk) {
		if err := i.flush(ctx); err != nil {
			return err
		}
	}
	if len(i.chunk) == 0 {
		i.first, gap = line.number, 0
	}
	i.chunk = append(i.chunk, bytes.Repeat([]byte("\n"), gap)...)
	i.chunk = append(append(i.chunk, line.text...), '\n')
	i.next = line.number + 1
	return nil
}

func (i *importing) flush(ctx context.Context) error {
	if len(i.chunk) == 0 {
		return nil
	}
	added, err := send[importAdded](ctx, i.client, http.MethodPost, i.path+"/lines?first_line="+strconv.Itoa(i.first), i.chunk)
	if err != nil {
		return err
	}
	clear(i.chunk) // keys in clear
	i.chunk = i.chunk[:0]
	i.done.Lines += added.Lines
	i.bad(added.BadLines, added.Bad...)
	if i.progress != nil {
		i.progress(i.done.Lines)
	}
	return nil
}

// Export walks over all keys as lines of an import, page by page, by creation: all
// but their texts. It ends after the first error, which comes with a nil line.
func (c *Client) Export(ctx context.Context) iter.Seq2[json.RawMessage, error] {
	return pages(c, "export keys", func(cursor string) ([]json.RawMessage, *string, error) {
		q := url.Values{"limit": {strconv.Itoa(keystore.MaxPage)}}
		setter(q)("cursor", cursor)
		page, err := send[struct {
			Lines []json.RawMessage `json:"lines"`
			Next  *string           `json:"next"`
		}](ctx, c, http.MethodGet, "/v1/export?"+q.Encode(), nil)
		return page.Lines, page.Next, err
	})
}
