/**
 * Waits for two statements that are sent side by side, also if one fails: no statement may come after the rollback of
 * their transaction. Rejects with the error that came first: the other one only says that the transaction has failed.
 */
export async function bothDone<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<[One, Other]> {
  const errors: unknown[] = []
  const noted = <T>(statement: Promise<T>): Promise<T> =>
    statement.catch((thrown: unknown) => {
      errors.push(thrown)
      throw thrown
    })
  const both = [noted(one), noted(other)] as const
  await Promise.allSettled(both)
  if (errors.length > 0) throw errors[0]
  return Promise.all(both)
}
