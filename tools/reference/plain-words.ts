/** Words of exported nouns that need no entry in the glossary, in the singular. */
export const plainWords: readonly string[] = `
  add answer any argument ask attempt auth authenticated authorized axio background base begin begun body by call case
  chained change choice clock code component compliance composable config configured context coordination created current decision
  defaulted delivery dispatch duplicate effect end ended engagement enriched entry env erased error existing expectation
  expected exported external extra fact failed fake fault fetch field figure file filter flag for found
  framework given got guarded guestpass happened head header held histogram hono hook host http imported input instant invalid
  instruction issued job journal kind latest left like limit line list listener local lock log lookup make maker
  member memory message method millis name named need network node not note o object observed observer
  ocsf of on open operation option out outcome owner page param parsed part pascal path place placed postgre pruned public question random raw reachable read ready
  received refreshed removed repeat request resource result revoked route running runtime sdk sealed seen server setting shown
  signed sqlite standard started state stored target test text trail try type typed under unknown unsaved usable user value
  variable verify version view web why with worked working wrapped write written
`
  .trim()
  .split(/\s+/)
