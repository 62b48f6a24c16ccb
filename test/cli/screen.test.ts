import { describe, expect, onTestFinished, test } from 'vitest';
import { fitEnd, fitMiddle, makeScreen, widthOf } from '../../src/cli/screen.ts';
import { makeTerminal } from '../support/small-terminal.ts';

/** A screen on a terminal of this size that shows `lines`, and how to show others. */
function start(size: { readonly width: number; readonly height: number }, ...lines: readonly string[]) {
  const terminal = makeTerminal(size);
  const screen = makeScreen(terminal.stream);
  onTestFinished(() => screen.stop());
  screen.show(() => lines);
  return { terminal, screen };
}

describe('a screen', () => {
  test('draws again in the same place, and nothing of longer or more lines is left', () => {
    const { terminal, screen } = start({ width: 30, height: 10 }, 'first line', 'second', 'third');
    screen.show(() => ['1st', '2nd']);
    expect(terminal.lines()).toEqual(['1st', '2nd']);
    screen.show(() => ['a', 'b', 'c', 'd']);
    expect(terminal.lines()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('leaves what stood above alone', () => {
    const terminal = makeTerminal({ width: 30, height: 10 });
    terminal.stream.write('$ batchctl watch\n');
    const screen = makeScreen(terminal.stream);
    onTestFinished(() => screen.stop());
    for (const n of [1, 2, 3]) screen.show(() => [`look ${n}`, 'footer']);
    expect(terminal.lines()).toEqual(['$ batchctl watch', 'look 3', 'footer']);
  });

  test('is drawn anew when the terminal becomes narrower and has wrapped what was there', () => {
    const { terminal, screen } = start({ width: 40, height: 10 });
    screen.show(({ width }) => ['x'.repeat(width - 1), 'footer']);
    terminal.resize(15);
    expect(terminal.lines()).toEqual(['x'.repeat(14), 'footer']);
    terminal.resize(40);
    expect(terminal.lines()).toEqual(['x'.repeat(39), 'footer']);
  });

  test('stays as it was drawn last once it is stopped', () => {
    const { terminal, screen } = start({ width: 30, height: 10 }, 'last');
    screen.stop();
    terminal.stream.write('said afterwards\n');
    terminal.resize(20);
    expect(terminal.lines()).toEqual(['last', 'said afterwards']);
  });
});

describe('text that must fit', () => {
  test.each([
    ['short', 10, 'short'],
    ['exactly 10', 10, 'exactly 10'],
    ['more than ten', 10, 'more than…'],
    ['漢字漢字', 5, '漢字…'],
    ['any', 0, ''],
  ])('%s in %i at its end', (text, width, expected) => {
    expect(fitEnd(text, width)).toBe(expected);
    expect(widthOf(fitEnd(text, width))).toBeLessThanOrEqual(width);
  });

  test.each([
    ['short', 10, 'short'],
    ['round-reports-20260301 main 12', 13, 'roun… main 12'],
    ['abc', 1, '…'],
  ])('%s in %i in its middle', (text, width, expected) => {
    expect(fitMiddle(text, width)).toBe(expected);
  });
});
