/** The kind of the event that holds an AppliedReport. By itself, so that the store need not load what reads one. */
export const APPLIED_EVENT = 'results_applied';
