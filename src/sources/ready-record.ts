import type { SourceItem } from '../core/record.ts';

/**
 * A record of a program that is a whole request by itself becomes a problem: a template would send it as text inside
 * another request.
 */
export function refuseReady(item: SourceItem, kind: 'command' | 'module'): SourceItem {
  if (item.kind !== 'record') return item;
  const names = Object.keys(item.fields);
  if (names.length !== 2 || !names.includes('custom_id') || !names.includes('params')) return item;
  const problem = `it is a ready-made request, not a record; such are sent as they are from "source: {requests: {${kind}: ...}}"`;
  return { kind: 'problem', problem, at: item.at };
}
