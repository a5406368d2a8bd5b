throw new Error('load');
