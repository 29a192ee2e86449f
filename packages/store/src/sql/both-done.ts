/**
 * Waits for two parts of a transaction whose statements may share round trips. Rejects when both have ended, because
 * no statement may come after the rollback of the transaction.
 */
export async function bothDone<A, B>(one: Promise<A>, other: Promise<B>): Promise<readonly [A, B]> {
  await Promise.allSettled([one, other])
  return Promise.all([one, other])
}
