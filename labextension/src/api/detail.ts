/**
 * Narrowing of the answers about a single step: what was said of it, and what it was submitted as.
 */
import type { StepDocument, StepEvent, StepEvents } from './schema';
import { dict, isDict, list, maybeText, number, text } from './values';

function readStepEvent(value: unknown): StepEvent {
  const event = dict(value, 'an event of a step');
  return {
    at: text(event.at),
    source: text(event.source),
    method: text(event.method),
    text: text(event.text),
    attempt: number(event.attempt),
    count: Math.max(1, number(event.count))
  };
}

export function readStepEvents(value: unknown): StepEvents {
  const said = dict(value, 'the events of a step');
  return {
    workflow: text(said.workflow),
    events: list(said.events, readStepEvent),
    problem: text(said.problem)
  };
}

function readArguments(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(isDict(value) ? value : {}).map(([name, it]) => [name, text(it)]));
}

export function readStepDocument(value: unknown): StepDocument {
  const found = dict(value, 'the spec of a step');
  return {
    workflow: text(found.workflow),
    workflow_uid: text(found.workflow_uid),
    namespace: text(found.namespace),
    submitter: text(found.submitter),
    creator: text(found.creator),
    service_account: text(found.service_account),
    policy: text(found.policy),
    created_at: maybeText(found.created_at),
    arguments: readArguments(found.arguments),
    document: text(found.document),
    problem: text(found.problem)
  };
}
