import type { Event } from '../../domain/events/event.ts'
import { type Json, textsIn } from '../../domain/json.ts'
import type { Profile } from '../../domain/profile.ts'

/** What an auditor asks of an authentication. Each is found out, not claimed. */
export interface ComplianceFlags extends Readonly<Record<string, Json>> {
  /** The moment of consent is stored with the guest. */
  readonly gdprConsentRecorded: boolean
  /** The address and the name stand neither in what is told nor in the attributes that upstream is given. */
  readonly dataMinimizationApplied: boolean
  /** The request was on record before upstream was asked, and its end is written together with the guest. */
  readonly auditTrailGenerated: boolean
}

export function complianceFlags(of: {
  readonly consentTimestamp: Json | undefined
  readonly profile: Profile
  /** What the events of the request tell. */
  readonly told: Json
  /** Events of the request that are stored already. */
  readonly trail: readonly Event[]
}): ComplianceFlags {
  const { email, name, attributes } = of.profile
  const names = (text: string): boolean =>
    (typeof email === 'string' && text.toLowerCase().includes(email)) ||
    (typeof name === 'string' && hasWords(text.toLowerCase(), name.trim().toLowerCase()))
  return {
    gdprConsentRecorded: typeof of.consentTimestamp === 'string',
    dataMinimizationApplied: !textsIn(of.told).some(names) && !textsIn(attributes ?? null).some(names),
    auditTrailGenerated: of.trail.length > 0,
  }
}

const isOfWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character)

/** Whether words stand in a text, and not as a part of longer ones. */
function hasWords(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1))
    if (!isOfWord(text[at - 1]) && !isOfWord(text[at + words.length])) return true
  return false
}
