/** Lines at the end of a terminal that are drawn again and again in their place. */
export interface Screen {
  /** Draws at once, and again each second and when the size changes, until `stop`. Lines must fit: they are not cut here. */
  show(render: (size: ScreenSize) => readonly string[]): void;
  /** What was drawn last stays. */
  stop(): void;
}

export interface ScreenSize {
  readonly width: number;
  readonly height: number;
}

const TICK_MS = 1000;
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Plain cursor moves, which every terminal knows; no alternate screen, so that the last look stays to be read. */
export function makeScreen(stream: NodeJS.WriteStream): Screen {
  let render: ((size: ScreenSize) => readonly string[]) | null = null;
  let tick: NodeJS.Timeout | null = null;
  let drawn: readonly string[] = [];

  const draw = (): void => {
    if (render === null) return;
    const size = { width: stream.columns ?? 80, height: stream.rows ?? 24 };
    const lines = render(size);
    // Lines of a wider terminal have been wrapped by it when it became narrower.
    const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / size.width)), 0);
    const up = rows === 0 ? '' : `\r\u001b[${rows}A`;
    stream.write(`${up}${lines.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_BELOW}`);
    drawn = lines;
  };

  return {
    show(next) {
      render = next;
      draw();
      if (tick !== null) return;
      tick = setInterval(draw, TICK_MS);
      tick.unref();
      stream.on('resize', draw);
    },
    stop() {
      if (tick !== null) clearInterval(tick);
      stream.off('resize', draw);
      tick = null;
      render = null;
    },
  };
}

/** Columns of a terminal. Generous: what some show in one column and others in two counts as two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += (character.codePointAt(0) ?? 0) >= WIDE_FROM ? 2 : 1;
  return width;
}

/** The first scripts that are shown two columns wide (CJK radicals, U+2E80) and all that follows. */
const WIDE_FROM = 0x2e80;

/** At most `width` columns; what is cut off at the end is marked. */
export function fitEnd(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  for (const character of text) {
    if (widthOf(kept) + widthOf(character) > width - 1) break;
    kept += character;
  }
  return width < 1 ? '' : `${kept}…`;
}

/** The same for names whose end tells them apart: a third of the room is for their beginning. */
export function fitMiddle(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text;
  const head = Math.floor((width - 1) / 3);
  const tail = width - 1 - head;
  return width < 2 ? '…' : `${characters.slice(0, head).join('')}…${characters.slice(-tail).join('')}`;
}
