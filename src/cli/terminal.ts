/** What a stream can show. Decided once for each stream: stdout may be a pipe while stderr is a screen. */
export interface Terminal {
  readonly isTTY: boolean;
  /** Columns; 80 where nobody knows. */
  readonly width: number;
  readonly color: boolean;
}

export interface TerminalStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export function describeTerminal(
  stream: TerminalStream,
  env: NodeJS.ProcessEnv,
  options: { readonly noColor: boolean },
): Terminal {
  // Some pseudo terminals say that they are 0 wide; nothing can be drawn there, and ora divides by it.
  const isTTY = stream.isTTY === true && stream.columns !== 0;
  const isDumb = env['TERM'] === 'dumb';
  // NO_COLOR counts when it is not empty (no-color.org).
  const isColorRefused = options.noColor || isDumb || (env['NO_COLOR'] ?? '') !== '';
  return { isTTY: isTTY && !isDumb, width: stream.columns || 80, color: isTTY && !isColorRefused };
}

export type Paint = (style: Style, text: string) => string;
export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green';

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
};

/** Colour never carries meaning alone, so the text is the same without it. */
export function makePaint(terminal: Terminal): Paint {
  if (!terminal.color) return (_style, text) => text;
  return (style, text) => {
    const [on, off] = CODES[style];
    return `\u001b[${on}m${text}\u001b[${off}m`;
  };
}
