import type { Event } from '../../domain/events/event.ts'
import type { ComplianceFlags } from '../../domain/events/guest-creates.ts'
import { type Json, stringsIn } from '../../domain/json.ts'
import type { Profile } from '../../domain/profile.ts'

/** Computes the flags from what is stored and shown; none is taken from the request. */
export function complianceFlags(of: {
  readonly consentTimestamp: Json | undefined
  readonly profile: Profile
  /** What the event of the authentication shows. */
  readonly shown: Json
  /** Events of the request that are stored already. */
  readonly trail: readonly Event[]
}): ComplianceFlags {
  const { email, name, attributes } = of.profile
  const names = (text: string): boolean =>
    (typeof email === 'string' && text.toLowerCase().includes(email)) ||
    (typeof name === 'string' && hasWords(text.toLowerCase(), name.trim().toLowerCase()))
  return {
    gdprConsentRecorded: typeof of.consentTimestamp === 'string',
    dataMinimizationApplied: !stringsIn(of.shown).some(names) && !stringsIn(attributes ?? null).some(names),
    auditTrailGenerated: of.trail.length > 0,
  }
}

const isOfWord = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character)

/** Whether a text contains these words, and not only as parts of longer ones. */
function hasWords(text: string, words: string): boolean {
  for (let at = text.indexOf(words); at >= 0; at = text.indexOf(words, at + 1))
    if (!isOfWord(text[at - 1]) && !isOfWord(text[at + words.length])) return true
  return false
}
