import type { Randomness } from '../random.ts'
import type { Organization } from './clients.ts'

/** Returns the organization of a name. The first call makes it. */
export type Organizations = (name: string) => Organization

export function createOrganizations(random: Randomness): Organizations {
  const known = new Map<string, Organization>()
  return (name) => {
    const found = known.get(name) ?? { id: random.uuid(), name }
    known.set(name, found)
    return found
  }
}
