import { Writable } from 'node:stream';

export interface SmallTerminal {
  readonly stream: NodeJS.WriteStream;
  /** What stands on it, without the empty lines at the end. */
  lines(): readonly string[];
  /** As most terminals do: what no longer fits is wrapped into rows below it. Tells the stream. */
  resize(width: number): void;
}

const ESCAPE = '\u001b';
const ORDERS = new RegExp(`${ESCAPE}\\[(?:(\\d+)A|([KJ]))|[\\s\\S]`, 'g');

/** A terminal that knows line ends, returns, `ESC[nA`, `ESC[K` and `ESC[J`; anything else it refuses. */
export function makeTerminal(size: { readonly width: number; readonly height: number }): SmallTerminal {
  let rows: string[] = [''];
  let row = 0;
  let column = 0;
  let { width } = size;

  const put = (character: string): void => {
    if (column === width) newLine();
    const line = rows[row] ?? '';
    rows[row] = line.slice(0, column).padEnd(column) + character + line.slice(column + 1);
    column += 1;
  };
  const newLine = (): void => {
    row += 1;
    column = 0;
    rows[row] ??= '';
  };

  const write = (text: string): void => {
    for (const [part = '', move, clear] of text.matchAll(ORDERS)) {
      if (move !== undefined) row = Math.max(0, row - Number(move));
      else if (clear !== undefined) {
        rows[row] = (rows[row] ?? '').slice(0, column);
        if (clear === 'J') rows = rows.slice(0, row + 1);
      } else if (part === '\n') newLine();
      else if (part === '\r') column = 0;
      else if (part === ESCAPE) throw new Error('an order that this terminal does not know');
      else put(part);
    }
  };

  const stream = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        write(String(chunk));
        done();
      },
    }),
    { isTTY: true, columns: size.width, rows: size.height },
  );

  return {
    stream: stream as unknown as NodeJS.WriteStream, // all of it that a screen asks for
    lines: () =>
      rows
        .map((line) => line.trimEnd())
        .join('\n')
        .trimEnd()
        .split('\n'),
    resize(next) {
      const above = rows.slice(0, row).flatMap((line) => wrap(line, next));
      rows = [...above, ...rows.slice(row).flatMap((line) => wrap(line, next))];
      row = above.length;
      width = next;
      stream.columns = next;
      stream.emit('resize');
    },
  };
}

function wrap(line: string, width: number): string[] {
  const text = line.trimEnd();
  const parts: string[] = [];
  for (let at = 0; at === 0 || at < text.length; at += width) parts.push(text.slice(at, at + width));
  return parts;
}
