import type { Field } from '@guestpass/core'
import type { CurrentStatus } from '@guestpass/core/runtime-kit'

/** What was found of a folder, before anything is advised. */
export type FolderState =
  /** Neither an upstream nor a store. */
  | { readonly state: 'empty' }
  /** The configuration has mistakes, or something that every call needs is missing. */
  | { readonly state: 'misconfigured'; readonly faults: readonly Field[] }
  /**
   * An upstream is configured, and nothing is stored yet. `canIssue`: it serves the guest APIs; the public platform
   * does not.
   */
  | { readonly state: 'configured'; readonly api: string; readonly hasSecret: boolean; readonly canIssue: boolean }
  /** There is a store. `api`: absent if no upstream is configured. */
  | {
      readonly state: 'in_use'
      readonly api?: string
      /** The path of the store. */
      readonly database: string
      readonly signInEnded: boolean
      readonly canIssue: boolean
      readonly guests: Readonly<Partial<Record<CurrentStatus, number>>>
      /** Whether there are more guests than were counted. */
      readonly hasMore: boolean
    }
  /** There is a store that cannot be opened. */
  | { readonly state: 'store_failed'; readonly message: string }

/** A command to run next. */
export interface Step {
  readonly command: string
  readonly purpose: string
}

const demo: Step = { command: 'demo', purpose: 'see every job at work, without an account; leaves nothing behind' }
const sandbox: Step = {
  command: 'sandbox --env .env',
  purpose: 'run a local Genesys Cloud; then work in a second terminal in this folder',
}
const doctor: Step = {
  command: 'doctor',
  purpose: 'check configuration, store and upstream, with a remedy for each problem',
}
const again: Step = { command: '', purpose: 'see what to do next, when this is corrected' }
const login: Step = { command: 'login', purpose: 'sign in a user, whose access tokens the connection then uses' }
const issue: Step = {
  command: 'guest issue --api guest-tokens --scope webmessaging:guest:send',
  purpose: 'issue a guest token',
}
const token: Step = { command: 'token', purpose: 'get an access token' }
const keep: Step = { command: 'keep', purpose: 'renew guest tokens before they expire, until Ctrl-C' }
const list: Step = { command: 'guest list', purpose: 'list the guests' }
const tail: Step = { command: 'audit tail -f', purpose: 'follow what happens' }
const report: Step = { command: 'report', purpose: 'sum up what was done' }

/** What to do next, the most useful first. */
export function nextSteps(folder: FolderState): readonly Step[] {
  switch (folder.state) {
    case 'empty':
      return [demo, sandbox]
    case 'misconfigured':
      return [again, demo]
    case 'store_failed':
      return [doctor]
    case 'configured':
      return [doctor, folder.hasSecret ? token : login, ...(folder.canIssue ? [issue] : [])]
    case 'in_use':
  }
  if (folder.api === undefined) return [list, tail, report]
  return [...(folder.signInEnded ? [login] : []), ...issuedSteps(folder), tail, report, doctor]
}

function issuedSteps({ guests, canIssue }: Extract<FolderState, { readonly state: 'in_use' }>): readonly Step[] {
  if (Object.keys(guests).length > 0) return [keep, list]
  return canIssue ? [issue] : [token]
}

/** What was found, as sentences for people. */
export function folderLines(folder: FolderState): readonly string[] {
  switch (folder.state) {
    case 'empty':
      return [
        'Nothing is configured in this folder yet.',
        'For your own organisation, set GENESYS_REGION, GENESYS_CLIENT_ID and GENESYS_CLIENT_SECRET here or in .env.',
      ]
    case 'misconfigured':
      return [
        'The configuration is not complete:',
        ...folder.faults.flatMap(({ field, message, remedy }) => [`  ${field}: ${message}`, `    ${remedy}`]),
      ]
    case 'store_failed':
      return [`The store cannot be opened. ${folder.message}`]
    case 'configured':
      return [`The upstream ${folder.api} is configured. Nothing is stored yet.`]
    case 'in_use':
  }
  return [
    folder.api === undefined
      ? 'No upstream is configured: set GENESYS_REGION and GENESYS_CLIENT_ID to renew guests.'
      : `The upstream is ${folder.api}.`,
    ...(folder.signInEnded ? ['The sign-in of the connection has ended.'] : []),
    guestsLine(folder),
  ]
}

function guestsLine({ guests, hasMore, database }: Extract<FolderState, { readonly state: 'in_use' }>): string {
  const parts = Object.entries(guests).map(([status, count]) => `${count} ${status}`)
  if (parts.length === 0) return `No guests yet in ${database}.`
  return `Guests: ${parts.join(', ')}${hasMore ? ', and more that were not counted' : ''}.`
}
