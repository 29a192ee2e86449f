import type { Randomness } from '../random.ts'
import type { Organization } from './clients.ts'

/** The organization of a name, made when it is first named. */
export type Organizations = (name: string) => Organization

export function createOrganizations(random: Randomness): Organizations {
  const known = new Map<string, Organization>()
  return (name) => {
    const found = known.get(name) ?? { id: random.uuid(), name }
    known.set(name, found)
    return found
  }
}
