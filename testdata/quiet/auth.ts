const clientSecret = process.env.OIDC_CLIENT_SECRET!;
const { access_token: accessToken, refresh_token: refreshToken } = await client.refresh(stored.refresh_token);
localStorage.setItem('access_token', accessToken);
export const tokenKey = 'auth.token.storage.key';
type Secrets = { clientSecret: string; jwtSecret?: string };
