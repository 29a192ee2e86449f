import { GuestpassError } from '@guestpass/core'

/** What an error says. */
export const textOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

/** Adds the place of the database to an error of the store. Errors of a request stay as they are. */
export function namingPlace(error: GuestpassError, place: string): GuestpassError {
  // A move has two databases, and the error names the one that it is about.
  const isNamed = error.message.startsWith('In ') || error.message.includes(place)
  if (!error.code.startsWith('store_') || isNamed) return error
  const { code, reason, retryAt, message } = error
  return new GuestpassError(code, `In ${place}: ${message}`, {
    cause: error,
    ...(reason === undefined ? {} : { reason }),
    ...(retryAt === undefined ? {} : { retryAt }),
  })
}

/** Runs work, and rejects with what its error is mapped to. */
export type MapErrors = <T>(work: () => Promise<T>) => Promise<T>

/** Creates a function that maps the errors of work. */
export const createMapErrors =
  (errorOf: (thrown: unknown) => GuestpassError | Promise<GuestpassError>): MapErrors =>
  async (work) => {
    try {
      return await work()
    } catch (thrown) {
      throw await errorOf(thrown)
    }
  }
