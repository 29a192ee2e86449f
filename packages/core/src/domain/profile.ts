import type { Json } from './json.ts'
import { Secret } from './secret.ts'

/** What is known of a person, as `email` or `name`. It prints as a mask, like a secret. */
export type Profile = Readonly<Record<string, Json>>

export const sealedProfile = (profile: Profile): Secret => new Secret(JSON.stringify(profile))

export const openProfile = (profile: Secret | undefined): Profile =>
  profile === undefined ? {} : (JSON.parse(profile.reveal()) as Profile)
