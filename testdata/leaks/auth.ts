export const passportOptions = {
  issuer: 'https://login.acme-corp.io',
  clientID: 'shop',
  clientSecret: '<<base62:48>>',
  callbackURL: '/auth/callback',
};

export const jwtOptions = { secretOrKey: process.env.JWT_KEY, jwtSecret: '<<base64:44>>' };
