/* test_static - a program that loads no library. */
int main(void)
{
    return 3;
}
